"""Periods of time to judge a model by."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from training.report.figures.groups import range_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CALENDAR = ("Y", "M", "D")
MOST, FEWEST = 12, 3


def periods(time: NDArray[np.float64], *, dated: bool) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Name and rows of each period, the earliest first.

    Dates are put into years, months or days, the first of which there are at least three, and then
    into at most twelve periods of as many neighbours each; numbers into ranges.

    Parameters
    ----------
    time : microseconds since 1970 where dated, or any number, shape (n_rows,)
    """
    names, codes = _calendar(time) if dated else _ranges(time)
    size = -(-len(names) // MOST)
    for start in range(0, len(names), size):
        first, last = names[start], names[min(start + size, len(names)) - 1]
        name = first if first == last else f"{first} to {last}"
        yield name, (codes >= start) & (codes < start + size)


def _calendar(time: NDArray[np.float64]) -> tuple[list[str], NDArray[np.int64]]:
    instants = time.astype("int64").astype("datetime64[us]")
    for unit in CALENDAR:
        names, codes = np.unique(instants.astype(f"datetime64[{unit}]"), return_inverse=True)
        if len(names) >= FEWEST:
            break
    return [str(name) for name in names], codes


def _ranges(time: NDArray[np.float64]) -> tuple[list[str], NDArray[np.int64]]:
    distinct = np.unique(time)
    if len(distinct) <= MOST:
        return [f"{value:.6g}" for value in distinct], np.searchsorted(distinct, time)
    edges = np.unique(np.quantile(time, np.linspace(0, 1, MOST // 2 + 1)[1:-1], method="higher"))
    bounds = [-np.inf, *edges.tolist(), np.inf]
    names = [range_name(low, high) for low, high in pairwise(bounds)]
    return names, np.searchsorted(edges, time, side="right")
