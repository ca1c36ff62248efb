"""Bins in which the distribution of a feature or of the score is counted for stability indices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.core.features import UNSEEN_CATEGORY
from training.evaluate.score_counts import ROUNDING
from training.evaluate.weighting import effective_rows, exact_sum

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from scoreline.core.features import Feature

    type Counts = NDArray[np.int64] | NDArray[np.float64]

TENTHS = 10
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class PsiBins:
    """Bins of a feature or of the score.

    Attributes
    ----------
    edges : upper ends of the bins of amounts, except the last; None where there are no amounts
    codes : numbers that stand for a state or category, each a bin of its own
    labels : of the bins of amounts, then of the codes, then of missing values
    """

    edges: tuple[float, ...] | None
    codes: tuple[float, ...]
    labels: tuple[str, ...]

    def assign(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """The bin of each value; an amount on an edge belongs to the bin below."""
        first = 0 if self.edges is None else len(self.edges) + 1
        bins = np.full(len(values), len(self.labels) - 1)
        if self.edges is not None:
            given = ~np.isnan(values)
            bins[given] = np.searchsorted(self.edges, values[given], side="left")
        for number, code in enumerate(self.codes):
            bins[values == values.dtype.type(code)] = first + number
        return bins

    def count(self, values: NDArray[Any], weight: NDArray[np.float64] | None = None) -> Counts:
        """Number of values in each bin; weighted ones count as effective rows."""
        bins, size = self.assign(values), len(self.labels)
        if weight is None:
            return np.bincount(bins, minlength=size)
        return np.bincount(bins, weight, size) * (effective_rows(weight) / exact_sum(weight))


def psi_bins_of(
    feature: Feature, values: NDArray[np.float32], weight: NDArray[np.float64] | None = None
) -> PsiBins:
    """Deciles of the amounts, and a bin for each category, special code and for missing values."""
    if feature.type == "category":
        codes = (*map(float, range(len(feature.categories))), UNSEEN_CATEGORY)
        return PsiBins(None, codes, (*feature.categories, "not listed", MISSING))
    if feature.type == "boolean":
        return PsiBins(None, (0.0, 1.0), ("no", "yes", MISSING))
    states = (feature.special_codes or {}).items()
    given = ~np.isnan(values) & ~np.isin(values, np.array(feature.specials, np.float32))
    weight = None if weight is None else weight[given]
    return decile_bins(values[given], {name: float(code) for name, code in states}, weight)


def decile_bins(
    amounts: NDArray[Any],
    states: Mapping[str, float],
    weight: NDArray[np.float64] | None = None,
) -> PsiBins:
    """Deciles of amounts; there are fewer bins where deciles are equal."""
    weight = np.ones(len(amounts)) if weight is None else weight
    order = np.lexsort((weight, amounts))
    ordered, upto = amounts[order], weight[order].cumsum()
    # The decile is a value of the data: the smallest that reaches its share of the rows, but for
    # the rounding of the weights.
    ends = np.arange(1, TENTHS) / TENTHS * (1 - ROUNDING)
    tenths = np.searchsorted(upto, upto[-1] * ends) if len(ordered) else []
    edges = [float(edge) for edge in np.unique(ordered[tenths]) if edge < ordered[-1]]
    labels = [f"to {edge:.6g}" for edge in edges] + [f"over {edges[-1]:.6g}" if edges else "any"]
    return PsiBins(tuple(edges), tuple(states.values()), (*labels, *states, MISSING))
