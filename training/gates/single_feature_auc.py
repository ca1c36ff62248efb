"""What a single feature tells of the outcome: too much of it is rather the outcome in disguise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.metrics import auc
from training.evaluate.psi_bins import psi_bins_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scoreline.core.contract import Contract


def single_areas(
    contract: Contract, X: NDArray[np.float32], y: NDArray[np.int8]
) -> dict[str, float]:
    """AUC of every feature alone, its bins ranked by their bad rate: no order is presumed.

    Bins are those of the stability index, so a missing value or a code can give the outcome away
    too.
    """
    areas = {}
    for feature, column in zip(contract.features, X.T, strict=True):
        bins = psi_bins_of(feature, column).assign(column)
        rows, defaults = np.bincount(bins), np.bincount(bins, weights=y)
        areas[feature.name] = auc(y, (defaults / np.maximum(rows, 1))[bins])
    return areas
