"""Puts the tables of bench/results into the README, between marks that name them.

Run with `python -m bench.readme`, as `make bench` does at its end.
"""

from __future__ import annotations

import re
from pathlib import Path

from bench.report import RESULTS

README = Path(__file__).parents[1] / "README.md"
MARK = re.compile(r"<!-- bench:(\w+) -->\n.*?<!-- /bench -->", re.DOTALL)


def filled(text: str) -> str:
    """The README's text with the tables as they stand in bench/results."""
    return MARK.sub(_block, text)


def _block(mark: re.Match[str]) -> str:
    table = (RESULTS / f"{mark[1]}.md").read_text().rstrip()
    return f"<!-- bench:{mark[1]} -->\n{table}\n<!-- /bench -->"


def main() -> None:
    """Rewrite the README."""
    README.write_text(filled(README.read_text()))


if __name__ == "__main__":
    main()
