"""Bins one feature for a scorecard, with the weight of evidence and information value of each bin.

optbinning finds the cuts, with a bad rate that rises or falls from bin to bin. Missing values,
special codes and unseen categories have bins of their own.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from training.graph.features import Column

TRENDS = {1: "ascending", -1: "descending", 0: "auto_asc_desc"}
# Applicants of the average bad rate that are added to the bins of states, so that a few rows there
# do not give an extreme weight of evidence.
AVERAGE_ROWS = 10


@dataclass(frozen=True, slots=True)
class WoeBinning:
    """The bins of one feature, and the rows in each when it was fitted.

    The bins between the cuts, or of the categories, come first; then those of the feature's other
    states (missing, special codes); last `rest`, for a missing amount or an unseen category.

    Attributes
    ----------
    source : position of the feature among the contract's sources
    amount : column of the amount; None for a category
    cuts : float32, rising; an amount x is in bin i iff cuts[i - 1] <= x < cuts[i]
    states : indicator column -> number of its bin
    state_rows : indicator column -> weight of the fitted rows in which it is 1
    n_cut : number of bins that optbinning found
    goods, bads : weight of the fitted rows in each bin, shape (n_bins,); a row without a weight
        counts 1
    """

    source: int
    amount: int | None
    cuts: NDArray[np.float32]
    states: Mapping[int, int]
    state_rows: Mapping[int, float]
    n_cut: int
    goods: NDArray[np.float64]
    bads: NDArray[np.float64]

    @property
    def n_rows(self) -> float:
        """Weight of the fitted rows."""
        return float(self.goods.sum() + self.bads.sum())

    @property
    def rest(self) -> int:
        """Bin of a missing amount or an unseen category."""
        return len(self.goods) - 1

    @property
    def woe(self) -> NDArray[np.float64]:
        """Weight of evidence of each bin; a bin above 0 is safer than the average."""
        return weight_of_evidence(self.goods, self.bads, self.n_cut)

    @property
    def iv(self) -> NDArray[np.float64]:
        """Share of each bin in the feature's information value."""
        return information_value(self.goods, self.bads, self.woe)

    def bin_of(self, columns: NDArray[np.float32]) -> NDArray[np.int64]:
        """Bin of each row of (n_rows, n_columns)."""
        return _bins(columns, self.amount, self.cuts, self.states, self.rest)


def weight_of_evidence(goods: ArrayLike, bads: ArrayLike, n_cut: int) -> NDArray[np.float64]:
    """ln(share of the goods / share of the bads) of each bin; 0 is the average.

    Ten applicants of the average bad rate are added to bins from `n_cut` on and to bins that lack a
    class, so that a bin without rows has 0.

    References
    ----------
    Siddiqi, Credit Risk Scorecards (2006), chapter 6.

    Examples
    --------
    >>> weight_of_evidence([60, 20], [10, 10], 2).round(4).tolist()  # ln 1.5, ln 0.5
    [0.4055, -0.6931]
    """
    good, bad = np.asarray(goods, np.float64), np.asarray(bads, np.float64)
    found = (np.arange(len(good)) < n_cut) & (good > 0) & (bad > 0)
    average = np.where(found, 0, AVERAGE_ROWS) / (good.sum() + bad.sum())
    woe: NDArray[np.float64] = np.log((good / good.sum() + average) / (bad / bad.sum() + average))
    return woe


def information_value(
    goods: ArrayLike, bads: ArrayLike, woe: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(share of the goods - share of the bads) x WoE of each bin; their sum is the feature's IV.

    References
    ----------
    Siddiqi, Credit Risk Scorecards (2006), chapter 6.
    """
    good, bad = np.asarray(goods, np.float64), np.asarray(bads, np.float64)
    value: NDArray[np.float64] = (good / good.sum() - bad / bad.sum()) * woe
    return value


def fit_woe_binning(
    numbered: Sequence[tuple[int, Column]],
    columns: NDArray[np.float32],
    y: NDArray[np.int8],
    parameters: Mapping[str, Any],
    sample_weight: NDArray[np.float64] | None = None,
) -> WoeBinning:
    """Bins of one feature.

    Parameters
    ----------
    numbered : the feature's columns with their positions
    columns : all columns, shape (n_rows, n_columns)
    parameters : of optbinning.OptimalBinning
    sample_weight : shape (n_rows,); None where all rows count alike
    """
    # An amount has one column of its own, and each state (category, missing, special code) an
    # indicator of 0 and 1.
    amounts = [k for k, column in numbered if column.value is None]
    others = [k for k, column in numbered if column.value is not None]
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    amount = amounts[0] if amounts else None
    if amount is None:
        cuts = np.empty(0, np.float32)
        groups = _category_groups(numbered, columns, y, weight, parameters)
        others = [k for k, column in numbered if column.missing]
    else:
        cuts = _cuts(columns[:, amount], y, weight, numbered[0][1].direction, parameters)
        groups = [[]] * (len(cuts) + 1)  # bins between cuts have no indicator columns
    states = {k: i for i, group in enumerate(groups) for k in group}
    states |= {k: i for i, k in enumerate(others, start=len(groups))}
    rest = len(groups) + len(others)
    bins = _bins(columns, amount, cuts, states, rest)
    goods, bads = (
        np.bincount(bins[y == label], weight[y == label], minlength=rest + 1) for label in (0, 1)
    )
    return WoeBinning(
        source=numbered[0][1].source,
        amount=amount,
        cuts=cuts,
        states=states,
        state_rows={k: float(weight[columns[:, k] == 1].sum()) for k in states},
        n_cut=len(groups),
        goods=goods,
        bads=bads,
    )


def _bins(
    columns: NDArray[np.float32],
    amount: int | None,
    cuts: NDArray[np.float32],
    states: Mapping[int, int],
    rest: int,
) -> NDArray[np.int64]:
    bins = np.full(len(columns), rest)
    if amount is not None:
        given = ~np.isnan(columns[:, amount])
        bins[given] = np.searchsorted(cuts, columns[given, amount], side="right")
    # States come last: the amount of a special code is NaN, which the line above leaves in `rest`.
    for column, number in states.items():
        bins[columns[:, column] == 1] = number
    return bins


def _cuts(
    amounts: NDArray[np.float32],
    y: NDArray[np.int8],
    weight: NDArray[np.float64],
    direction: int,
    parameters: Mapping[str, Any],
) -> NDArray[np.float32]:
    """Rising cuts in float32, rounded up: x < cut holds for the same float32 x as in double."""
    given = ~np.isnan(amounts)
    if not given.any():
        return np.empty(0, np.float32)
    fitted = _optimal_binning(
        amounts[given], y[given], weight[given], monotonic_trend=TRENDS[direction], **parameters
    )
    # Rounding up keeps every float32 value on its side of the cut; rounding to nearest would not.
    exact = np.asarray(fitted.splits, np.float64)
    rounded = exact.astype(np.float32)
    return np.where(rounded < exact, np.nextafter(rounded, np.float32(np.inf)), rounded)


def _category_groups(
    numbered: Sequence[tuple[int, Column]],
    columns: NDArray[np.float32],
    y: NDArray[np.int8],
    weight: NDArray[np.float64],
    parameters: Mapping[str, Any],
) -> list[list[int]]:
    """Columns of the categories that share a bin; categories without rows are left out."""
    positions = np.array([k for k, column in numbered if not column.missing])
    rows, chosen = np.nonzero(columns[:, positions] == 1)
    if not len(rows):
        return []
    fitted = _optimal_binning(chosen, y[rows], weight[rows], dtype="categorical", **parameters)
    return [sorted(positions[np.asarray(group, int)].tolist()) for group in fitted.splits]


def _optimal_binning(
    values: NDArray[Any], y: NDArray[np.int8], weight: NDArray[np.float64], **parameters: Any
) -> Any:
    logging.getLogger("__cvxpy__").addFilter(_is_relevant)
    from optbinning import OptimalBinning  # takes seconds

    # Without weights it fits faster, and the same.
    weights = {} if np.all(weight == 1) else {"sample_weight": weight}
    return OptimalBinning(**parameters).fit(values.astype(np.float64), y, **weights)


def _is_relevant(record: logging.LogRecord) -> bool:
    """Drop cvxpy's warning that HiGHS cannot load next to ortools' copy; it is not used."""
    return "importing solver HIGHS" not in record.getMessage()
