"""Results go to standard output; progress and remarks go to standard error."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    # the step, how much of it is done, and how much there is where that is known
    type Advance = Callable[[str, int, int | None], None]

PIPED_WIDTH = 120
UNBOUNDED = 10_000


@cache
def stdout() -> Console:
    """The console of results."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPED_WIDTH
    # no markup: reasons and bins hold brackets, which Rich would take for styles
    return Console(soft_wrap=True, markup=False, width=width)


@cache
def stderr() -> Console:
    """The console of progress and remarks."""
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False)


def show(content: Any, *parts: Table | str, as_json: bool) -> None:
    """Print a result: as one JSON document, or as tables and lines for people."""
    if as_json:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        # an id may hold half of a surrogate pair, which no encoding has; JSON escapes it alike
        print(text.encode(errors="backslashreplace").decode())
        return
    for part in parts:
        _print_whole(part)


def remark(text: str) -> None:
    """Print a line that is not part of the result."""
    stderr().print(text)


@contextmanager
def status(first: str) -> Iterator[Callable[[str], None]]:
    """Show the current step with a spinner; yields the function that sets it."""
    with stderr().status(first) as spinner:
        yield lambda step: spinner.update(step)


@contextmanager
def progress_bars() -> Iterator[Advance]:
    """Show a bar for each step that is reported."""
    with _progress() as bars:
        tasks: dict[str, Any] = {}

        def advance(step: str, done: int, total: int | None) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield advance


def _progress() -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=stderr())


def _print_whole(part: Table | str) -> None:
    """Print a line, or a table no narrower than its longest words, so that no id is cut."""
    console = stdout()
    if isinstance(part, str):
        console.print(part)
        return
    # Rich shrinks columns below their minimum when the table is wider than the console
    unbounded = console.options.update(width=UNBOUNDED)
    needed = part.__rich_measure__(console, unbounded).minimum
    part.width = needed if needed > console.width else None
    console.print(part, soft_wrap=False, crop=False)
