"""Puts the tables of bench/results into the pages of docs/, between marks that name them.

Each table is followed by the processor that it was measured on. Run with `python -m bench.pages`,
as `make bench` does at its end.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from bench.report import RESULTS

PAGES = [Path(__file__).parents[1] / "docs" / f"{name}.md" for name in ("benchmarks", "validation")]
MARK = re.compile(r"<!-- bench:(\w+) -->\n.*?<!-- /bench -->", re.DOTALL)


def filled(text: str) -> str:
    """A page's text with the tables as they are in bench/results."""
    return MARK.sub(_block, text)


def _block(mark: re.Match[str]) -> str:
    name = mark[1]
    table = (RESULTS / f"{name}.md").read_text().strip()
    about = json.loads((RESULTS / f"{name}.json").read_text())["about"]
    parts = [
        f"<!-- bench:{name} -->",
        table,
        f"Measured on {about['processor']}.",
        "<!-- /bench -->",
    ]
    return "\n\n".join(parts)


def main() -> None:
    """Rewrite the pages."""
    for page in PAGES:
        page.write_text(filled(page.read_text()))


if __name__ == "__main__":
    main()
