"""Groups of rows by the state of a feature."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from scoreline.core.features import UNSEEN_CATEGORY, Feature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scoreline.core.features import DerivedFeature

MISSING, UNSEEN = "missing", "not listed"


def groups_of(
    source: Feature | DerivedFeature, values: NDArray[np.float32], most_ranges: int
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Name and rows of each group that is not empty: rising amounts, then the other states.

    Parameters
    ----------
    values : as encoded, with special codes, NaN where missing, shape (n_rows,)
    most_ranges : most ranges of an amount, which hold about equally many rows
    """
    for name, rows in _groups(source, values, most_ranges):
        if rows.any():
            yield name, rows


def _groups(
    source: Feature | DerivedFeature, values: NDArray[np.float32], most_ranges: int
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    missing = np.isnan(values)
    feature = source if isinstance(source, Feature) else Feature(name=source.name, type="number")
    if feature.type == "category":
        for code, category in enumerate(feature.categories):
            yield category, values == code
        yield UNSEEN, values == UNSEEN_CATEGORY
    elif feature.type == "boolean":
        yield "no", values == 0
        yield "yes", values == 1
    else:
        special = np.isin(values, np.array(feature.specials, np.float32))
        yield from _ranges(values, ~missing & ~special, most_ranges)
        for name, number in (feature.special_codes or {}).items():
            yield name, values == np.float32(number)
    yield MISSING, missing


def _ranges(
    values: NDArray[np.float32], amounts: NDArray[np.bool_], most_ranges: int
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """One group per value where there are few values, ranges between quantiles otherwise."""
    distinct = np.unique(values[amounts])
    if len(distinct) <= most_ranges:
        for value in distinct:
            yield f"{value:,.6g}", values == value
        return
    # Edges are values of the data, which read better than interpolated ones.
    inner = np.quantile(values[amounts], np.linspace(0, 1, most_ranges + 1)[1:-1], method="higher")
    edges = np.unique(inner[inner > distinct[0]])
    if not len(edges):  # nearly all rows have the smallest value
        edges = distinct[1:2]
    for low, high in pairwise([-np.inf, *edges.tolist(), np.inf]):
        yield range_name(low, high), amounts & (values >= low) & (values < high)


def range_name(low: float, high: float) -> str:
    """Name of a range, such as "8.5 to under 11.5"."""
    if low == -np.inf:
        return f"under {high:,.6g}"
    return f"{low:,.6g} and over" if high == np.inf else f"{low:,.6g} to under {high:,.6g}"
