"""Times calls, compares them and writes the figures to bench/results/NAME.json and NAME.md.

Others who use the machine lengthen wall time; processor time, in turns, stays comparable.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall seconds of each of some calls, and processor seconds of all of them together."""

    wall: list[float]
    processor: float


def timed(call: Callable[[], object], calls: int = 1) -> Timing:
    """Time so many calls in this process."""
    wall = []
    began = process_time()
    for _ in range(calls):
        started = perf_counter()
        call()
        wall.append(perf_counter() - started)
    return Timing(wall, process_time() - began)


def in_turns[Figure](
    calls: Mapping[str, Callable[[], Figure]], rounds: int
) -> dict[str, list[Figure]]:
    """The figures of each call, measured in turns, so that a busy machine slows all calls alike.

    A first round is not counted.
    """
    measured: dict[str, list[Figure]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            measured[name].append(call())
    return {name: values[1:] for name, values in measured.items()}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and quartiles, to three digits."""
    low, median, high = (float(f"{value:.3g}") for value in statistics.quantiles(values, n=4))
    return {"median": median, "low": low, "high": high}


def figures(
    rounds: Mapping[str, Sequence[Mapping[str, float]]], **ratios: tuple[str, str]
) -> dict[str, dict[str, dict[str, float]]]:
    """Median and quartiles of each contender's rounds, with ratios `name=(figure, contender)`."""
    results: dict[str, dict[str, dict[str, float]]] = {}
    for name, found in rounds.items():
        results[name] = {key: spread([one[key] for one in found]) for key in found[0]}
        for ratio, (key, to) in ratios.items():
            pairs = zip(found, rounds[to], strict=True)
            results[name][ratio] = spread([one[key] / other[key] for one, other in pairs])
    return results


def shown(values: Mapping[str, float]) -> str:
    """Median (low to high)."""
    digits = ",.0f" if values["median"] >= 1000 else "g"
    median, low, high = (f"{values[name]:{digits}}" for name in ("median", "low", "high"))
    return f"{median} ({low} to {high})"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


def contenders_table(title: str, results: Mapping[str, Any], columns: Mapping[str, str]) -> str:
    """A row per contender; `columns` names the figures to show."""
    rows = [[name, *(shown(one[key]) for key in columns)] for name, one in results.items()]
    return table([title, *columns.values()], rows)


def write(name: str, results: Any, text: str, **about: Any) -> None:
    """Write and print the results of a benchmark, and the machine that they were measured on."""
    RESULTS.mkdir(exist_ok=True)
    content = json.dumps({"about": {**machine(), **about}, "results": results}, indent=2)
    (RESULTS / f"{name}.json").write_text(content + "\n")
    (RESULTS / f"{name}.md").write_text(text)
    print(text, f"\n{machine()['processor']}", sep="")


def machine() -> dict[str, Any]:
    """The processor and the Python of this machine."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = names[0] if names else platform.processor()
    return {
        "processor": f"{model}, {os.cpu_count()} processors, {platform.machine()}",
        "python": platform.python_version(),
    }
