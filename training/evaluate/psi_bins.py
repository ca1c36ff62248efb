"""Bins in which the distribution of a feature or of the score is counted for stability indices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.core.features import UNSEEN_CATEGORY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from scoreline.core.features import Feature

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

    def count(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """Number of values in each bin."""
        return np.bincount(self.assign(values), minlength=len(self.labels))


def psi_bins_of(feature: Feature, values: NDArray[np.float32]) -> PsiBins:
    """Deciles of the amounts, and a bin for each category, special code and for missing values."""
    if feature.type == "category":
        codes = (*map(float, range(len(feature.categories))), UNSEEN_CATEGORY)
        return PsiBins(None, codes, (*feature.categories, "not listed", MISSING))
    if feature.type == "boolean":
        return PsiBins(None, (0.0, 1.0), ("no", "yes", MISSING))
    states = (feature.special_codes or {}).items()
    amounts = values[~np.isnan(values) & ~np.isin(values, np.array(feature.specials, np.float32))]
    return decile_bins(amounts, {name: float(code) for name, code in states})


def decile_bins(amounts: NDArray[Any], states: Mapping[str, float]) -> PsiBins:
    """Deciles of amounts; there are fewer bins where deciles are equal."""
    ordered = np.sort(amounts)
    # The decile is a value of the data: the smallest that reaches its share of the rows.
    tenths = [-(-len(ordered) * k // TENTHS) - 1 for k in range(1, TENTHS)] if len(ordered) else []
    edges = [float(edge) for edge in np.unique(ordered[tenths]) if edge < ordered[-1]]
    labels = [f"to {edge:.6g}" for edge in edges] + [f"over {edges[-1]:.6g}" if edges else "any"]
    return PsiBins(tuple(edges), tuple(states.values()), (*labels, *states, MISSING))
