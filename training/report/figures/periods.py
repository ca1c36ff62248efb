"""Figures by the period of the decision, and vintages: bad rates by period and age."""

from __future__ import annotations

from dataclasses import asdict
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from training.evaluate.intervals import wilson
from training.evaluate.population_stability import shift
from training.evaluate.psi_bins import decile_bins
from training.evaluate.tallies import tally
from training.evaluate.weighting import Weighting
from training.report.figures.groups import range_name
from training.report.figures.rounding import rounded
from training.report.figures.scored_rows import MIN_GROUP_ROWS
from training.report.figures.segments import figures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from training.data.dataset import Dataset
    from training.report.figures.scored_rows import ScoredRows

CALENDAR, MIN_DATES = ("M", "D"), 2
MAX_PERIODS, MAX_RANGES = 36, 12
MAX_VINTAGES = 120


def by_period(
    column: str, fitted: Dataset, scored: ScoredRows, held_out: ScoredRows
) -> dict[str, Any] | None:
    """Rows and bad rates of the training periods, and all figures of the later ones.

    A later period also has its defaults as a multiple of those that were expected, and the
    population stability index of its scores against those of the training rows. None where rows
    have no time.

    Parameters
    ----------
    column : of the times
    scored : training rows, or a sample of them, with their scores
    """
    if fitted.time is None or held_out.rows.time is None:
        return None
    weighting = Weighting(fitted.weight, held_out.default_rate)
    before = [
        {"group": name, **_bad_rate(fitted.y, weighting, rows)}
        for name, rows in periods(fitted.time, dated=fitted.dated)
    ]
    groups = list(periods(held_out.rows.time, dated=fitted.dated))
    after = list(figures(held_out, groups))
    before_weight, weight = (part.weighting.given(part.y) for part in (scored, held_out))
    bins = decile_bins(scored.scores, {}, before_weight)
    expected = bins.count(scored.scores, before_weight)
    for found, (_, rows) in zip(after, groups, strict=True):
        if found["rows"] is not None:
            rate, probability = found["bad_rate"], found["probability"]
            found["observed_to_expected"] = {end: rate[end] / probability for end in rate}
            of_rows = None if weight is None else weight[rows]
            actual = bins.count(held_out.scores[rows], of_rows)
            found["stability"] = asdict(shift(expected, actual))
    return rounded({"column": column, "train": before, "test": after})


def vintages(
    fitted: Dataset, held_out: Dataset, default_rate: float | None = None
) -> list[dict[str, Any]] | None:
    """Bad rate by period of the decision and age, the months until the outcome was observed.

    Neighbouring ages are joined where there are many vintages. None where it is not known when
    outcomes were observed.

    Parameters
    ----------
    default_rate : of the population; None where it is that of the rows
    """
    if fitted.observed is None or held_out.observed is None:
        return None
    assert fitted.time is not None  # noqa: S101 - outcomes are observed after a time
    assert held_out.time is not None  # noqa: S101
    time = np.concatenate([fitted.time, held_out.time])
    age = _months(np.concatenate([fitted.observed, held_out.observed])) - _months(time)
    y = np.concatenate([fitted.y, held_out.y])
    weights = [part.weight for part in (fitted, held_out) if part.weight is not None]
    weighting = Weighting(np.concatenate(weights) if weights else None, default_rate)
    groups = list(periods(time, dated=True))
    found: list[dict[str, Any]] = []
    for size in count(1):
        ages = [np.unique(age[rows] // size).tolist() for _, rows in groups]
        if sum(map(len, ages)) <= MAX_VINTAGES:
            break
    for (name, rows), of_group in zip(groups, ages, strict=True):
        for number in of_group:
            joined = {"from_months": size * number, "to_months": size * (number + 1) - 1}
            figures_of_age = _bad_rate(y, weighting, rows & (age // size == number))
            found.append({"group": name, **joined, **figures_of_age})
    return rounded(found)


def _months(time: NDArray[np.float64]) -> NDArray[np.int64]:
    """The calendar month of each time, counted from January 1970."""
    return time.astype("int64").astype("datetime64[us]").astype("datetime64[M]").astype(int)


def _bad_rate(y: NDArray[np.int8], weighting: Weighting, rows: NDArray[np.bool_]) -> dict[str, Any]:
    """Rows and bad rate of a group; a small one has no figures, not even its size."""
    size = int(rows.sum())
    if size < MIN_GROUP_ROWS:
        return {"rows": None}
    return {"rows": size, "bad_rate": asdict(wilson(*tally(y == 1, rows, y, weighting)))}


def periods(time: NDArray[np.float64], *, dated: bool) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Name and rows of each period, the earliest first.

    Dates are grouped by month, or by day where there is one month only; neighbouring ones are
    joined until at most 36 are left. Numbers are grouped into ranges.

    Parameters
    ----------
    time : microseconds since 1970 where dated, or any number, shape (n_rows,)
    """
    # Codes number the periods, which are then joined to at most MAX_PERIODS.
    names, codes = _calendar_periods(time) if dated else _number_periods(time)
    size = -(-len(names) // MAX_PERIODS)
    for start in range(0, len(names), size):
        first, last = names[start], names[min(start + size, len(names)) - 1]
        name = first if first == last else f"{first} to {last}"
        yield name, (codes >= start) & (codes < start + size)


def _calendar_periods(time: NDArray[np.float64]) -> tuple[list[str], NDArray[np.int64]]:
    instants = time.astype("int64").astype("datetime64[us]")
    for unit in CALENDAR:
        names, codes = np.unique(instants.astype(f"datetime64[{unit}]"), return_inverse=True)
        if len(names) >= MIN_DATES:
            break
    return [str(name) for name in names], codes


def _number_periods(time: NDArray[np.float64]) -> tuple[list[str], NDArray[np.int64]]:
    distinct = np.unique(time)
    if len(distinct) <= MAX_RANGES:
        return [f"{value:.6g}" for value in distinct], np.searchsorted(distinct, time)
    shares = np.linspace(0, 1, MAX_RANGES // 2 + 1)[1:-1]
    edges = np.unique(np.quantile(time, shares, method="higher"))
    bounds = [-np.inf, *edges.tolist(), np.inf]
    names = [range_name(low, high) for low, high in pairwise(bounds)]
    return names, np.searchsorted(edges, time, side="right")
