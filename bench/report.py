"""Figures of a benchmark, and where they are written: bench/results/NAME.json and NAME.md."""

from __future__ import annotations

import json
import os
import platform
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """The machine that a figure is of."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "processor": f"{model}, {os.cpu_count()} processors, {platform.machine()}",
        "python": platform.python_version(),
    }


def spread(values: Sequence[float], digits: int = 3) -> dict[str, float]:
    """Median and quartiles, rounded to so many significant digits."""
    low, middle, high = statistics.quantiles(values, n=4)
    return {
        name: float(f"{value:.{digits}g}")
        for name, value in (("median", middle), ("low", low), ("high", high))
    }


def ratios(theirs: Sequence[float], ours: Sequence[float]) -> dict[str, float]:
    """Median and quartiles of how many times larger theirs are, round by round."""
    return spread([other / own for other, own in zip(theirs, ours, strict=True)])


def in_turns[Figure](
    calls: Mapping[str, Callable[[], Figure]], rounds: int
) -> dict[str, list[Figure]]:
    """What each call measures, in turns, so that a busy machine slows all alike.

    A first round goes uncounted.
    """
    measured: dict[str, list[Figure]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            measured[name].append(call())
    return {name: values[1:] for name, values in measured.items()}


def shown(values: Mapping[str, float]) -> str:
    """Median (low to high)."""
    return f"{values['median']:g} ({values['low']:g} to {values['high']:g})"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


def write(name: str, results: Any, text: str, **about: Any) -> None:
    """Write and print the results of a benchmark, and what they are about beside the machine."""
    RESULTS.mkdir(exist_ok=True)
    content = json.dumps({"about": {**machine(), **about}, "results": results}, indent=2)
    (RESULTS / f"{name}.json").write_text(content + "\n")
    (RESULTS / f"{name}.md").write_text(text)
    print(text)
