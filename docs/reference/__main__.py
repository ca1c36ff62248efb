"""Writes the pages of this folder, or with --check compares them with what would be written.

Run with `python -m docs.reference`, as `make docs-reference` does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from docs.reference import api, command_line, definition

FOLDER = Path(__file__).parent
PAGES = {
    FOLDER / "definition.md": definition.page,
    FOLDER / "api.md": api.page,
    FOLDER / "command-line.md": command_line.page,
}


def stale() -> list[str]:
    """Names of the pages that are not as they would be written."""
    return [p.name for p, page in PAGES.items() if not p.exists() or p.read_text() != page()]


def main() -> int:
    """Exit code 1 if --check finds a stale page."""
    if "--check" in sys.argv[1:]:
        for name in (names := stale()):
            print(f"docs/reference/{name} is stale: run make docs-reference")
        return bool(names)
    for path, page in PAGES.items():
        path.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
