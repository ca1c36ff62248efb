"""Checks the built site: every page is in the navigation, every link leads somewhere in the site.

Zensical's strict mode checks links between pages. It does not check pictures, the navigation, or
that nothing is loaded from elsewhere, which would break the site where there is no network.
"""

from __future__ import annotations

import re
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs"
SITE = ROOT / "build" / "docs"
CONFIG = ROOT / "zensical.toml"
# The page of errors is served for any address, so its own links cannot be relative.
UNCHECKED = {"404.html"}


class _Page(HTMLParser):
    """The addresses that a page links to and loads, and the anchors that it has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the attributes that hold addresses and anchors."""
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            elif name == "src" or (name == "href" and tag == "link"):
                self.loaded.add(value or "")
            elif name == "href":
                self.links.add(value or "")


def problems() -> list[str]:
    """Everything that is wrong with the site, as "page: problem"."""
    pages = {path: _Page(path.read_text()) for path in sorted(SITE.rglob("*.html"))}
    return [
        *navigation_problems(),
        *(f"{path.relative_to(SITE)}: {problem}" for path in pages for problem in _of(path, pages)),
        *_stylesheet_problems(),
    ]


def _of(path: Path, pages: dict[Path, _Page]) -> Iterator[str]:
    if path.name in UNCHECKED:
        return
    page = pages[path]
    for address in sorted(page.loaded):
        if urlsplit(address).netloc:
            yield f"loads {address}, so it does not work offline"
    for address in sorted(page.links | page.loaded):
        url = urlsplit(address)
        if url.scheme or url.netloc:
            continue
        target = (path.parent / unquote(url.path)).resolve() if url.path else path
        if not target.is_file():
            yield f"{address} does not exist"
        elif url.fragment and target in pages and url.fragment not in pages[target].anchors:
            yield f"{address} has no such anchor"


def _stylesheet_problems() -> Iterator[str]:
    for path in SITE.rglob("*.css"):
        for address in re.findall(
            r"(?:@import\s*|url\()[\"']?((?:https?:)?//[^\"')]+)", path.read_text()
        ):
            yield f"{path.name}: loads {address}, so it does not work offline"


def navigation_problems() -> Iterator[str]:
    """Pages that the navigation lacks, and entries without a page."""
    written = {path.relative_to(PAGES).as_posix() for path in PAGES.rglob("*.md")}
    named = set(_entries(tomllib.loads(CONFIG.read_text())["project"]["nav"]))
    yield from (f"{name}: is not in the navigation" for name in sorted(written - named))
    yield from (f"{name}: is in the navigation only" for name in sorted(named - written))


def _entries(item: object) -> Iterator[str]:
    """Pages of a part of the navigation: a page, or lists and tables of further parts."""
    if isinstance(item, str):
        yield item
    elif isinstance(item, dict | list):
        for part in item.values() if isinstance(item, dict) else item:
            yield from _entries(part)


if __name__ == "__main__":
    found = problems()
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))
