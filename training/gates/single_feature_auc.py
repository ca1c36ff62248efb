"""AUC of each feature alone: a very high one suggests the outcome in disguise (leakage)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.data.units import places
from training.evaluate.metrics import auc
from training.evaluate.psi_bins import psi_bins_of
from training.evaluate.weighting import EVEN, Weighting, weighted_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scoreline.core.contract import Contract

FOLDS = 5
SEED = 1


def single_feature_auc(
    contract: Contract,
    X: NDArray[np.float32],
    y: NDArray[np.int8],
    unit: NDArray[np.uint64] | None = None,
    weighting: Weighting = EVEN,
) -> dict[str, float]:
    """AUC of every feature alone, its bins ranked by their bad rate in other rows.

    A rank by bad rate needs no order of the values. The bins are those of the stability index, so
    that a missing value or a special code can give the outcome away too.

    Parameters
    ----------
    unit : rows of one unit are in one fold, or else a category that tells who a customer is would
        tell the outcome of the customer's other rows
    weighting : how many rows of the population each row stands for
    """
    return {
        feature.name: cross_fitted_auc(
            psi_bins_of(feature, column).assign(column), y, unit, weighting
        )
        for feature, column in zip(contract.features, X.T, strict=True)
    }


def cross_fitted_auc(
    bins: NDArray[np.int64],
    y: NDArray[np.int8],
    unit: NDArray[np.uint64] | None = None,
    weighting: Weighting = EVEN,
) -> float:
    """Mean AUC of the folds, each scored with the bad rates of the bins in the other folds.

    Bad rates of the same rows would tell the outcome of every category that has one row only.
    The rate of a bin is drawn towards that of all rows by one row.

    Parameters
    ----------
    bins : number of the bin of each row, shape (n_rows,)
    """
    fold = _folds(bins, y) if unit is None else (FOLDS * places(unit, y, SEED)).astype(int)
    size = int(bins.max()) + 1
    place = fold * size + bins
    weight = weighting.of(y)
    rows, defaults = (
        np.bincount(place, weights, FOLDS * size).reshape(FOLDS, size)
        for weights in (weight, weight * y)
    )
    rate = weighted_mean(y, weight)
    rates = (defaults.sum(axis=0) - defaults + rate) / (rows.sum(axis=0) - rows + 1)
    score = rates.ravel()[place]
    areas = [
        auc(y[of_fold], score[of_fold], weighting.take(of_fold))
        for of_fold in (fold == k for k in range(FOLDS))
        if len(set(y[of_fold])) > 1
    ]
    return float(np.mean(areas)) if areas else 0.5


def _folds(bins: NDArray[np.int64], y: NDArray[np.int8]) -> NDArray[np.int64]:
    """The fold of each row, at random within each class, whatever the order of the rows.

    Rows are numbered by class and bin first. Those of one class and bin are interchangeable.
    """
    rng = np.random.default_rng(SEED)
    fold = np.empty(len(y), np.int64)
    for label in (0, 1):
        rows = np.flatnonzero(y == label)
        by_bin = rows[np.argsort(bins[rows], kind="stable")]
        fold[by_bin] = rng.permutation(len(rows)) % FOLDS
    return fold
