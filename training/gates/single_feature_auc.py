"""AUC of each feature alone: a very high one suggests the outcome in disguise (leakage)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.metrics import auc
from training.evaluate.psi_bins import psi_bins_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scoreline.core.contract import Contract


def single_feature_auc(
    contract: Contract, X: NDArray[np.float32], y: NDArray[np.int8]
) -> dict[str, float]:
    """AUC of every feature alone, its bins ranked by their bad rate.

    A rank by bad rate needs no order of the values. The bins are those of the stability index, so
    that a missing value or a special code can give the outcome away too.
    """
    areas = {}
    for feature, column in zip(contract.features, X.T, strict=True):
        bins = psi_bins_of(feature, column).assign(column)
        rows, defaults = np.bincount(bins), np.bincount(bins, weights=y)
        # The bad rate is the best score that a model of this feature alone could learn.
        areas[feature.name] = auc(y, (defaults / np.maximum(rows, 1))[bins])
    return areas
