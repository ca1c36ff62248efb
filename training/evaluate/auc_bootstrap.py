"""Paired bootstrap of the difference of two models' AUCs, in time linear in the rows drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.intervals import CONFIDENCE, RESAMPLES, SEED, Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray


def bootstrap_auc_difference(
    y: NDArray[np.int8], first: NDArray[np.float64], second: NDArray[np.float64]
) -> Interval:
    """AUC of the first model less that of the second, with the bootstrap's percentile interval.

    Rows are drawn with replacement within each class; both models get the same draws.

    Parameters
    ----------
    y : shape (n_rows,), 1 is default, both classes present
    first, second : shape (n_rows,), any score that rises with the probability of default
    """
    # Scores are ranked once; a draw then takes a count per rank and no sorting.
    ranks = [np.unique(scores, return_inverse=True)[1] for scores in (first, second)]
    defaults, goods = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    rng = np.random.default_rng(SEED)
    drawn = [
        _difference(ranks, rng.choice(defaults, len(defaults)), rng.choice(goods, len(goods)))
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(_difference(ranks, defaults, goods), float(low), float(high))


def _difference(
    ranks: list[NDArray[np.int64]], defaults: NDArray[np.int64], goods: NDArray[np.int64]
) -> float:
    ours, theirs = (_area(ranked, defaults, goods) for ranked in ranks)
    return ours - theirs


def _area(
    ranked: NDArray[np.int64], defaults: NDArray[np.int64], goods: NDArray[np.int64]
) -> float:
    """AUC of drawn rows; ties count one half."""
    below = np.bincount(ranked[goods], minlength=int(ranked.max()) + 1)
    under = below.cumsum() - below / 2
    return float(under[ranked[defaults]].mean() / len(goods))
