"""Scores and decisions of many rows, equal to those that the contract gives one by one."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from scoreline.core.contract import Contract, ScoreScale


def points(scale: ScoreScale, log_odds: ArrayLike) -> NDArray[np.float64]:
    """Scores before rounding, of log-odds of default; see `ScoreScale.points`."""
    bounded = np.clip(np.asarray(log_odds, np.float64), -scale.MAX_LOG_ODDS, scale.MAX_LOG_ODDS)
    found: NDArray[np.float64] = scale.base_score - scale.factor * (bounded + log(scale.base_odds))
    return found


def scores(scale: ScoreScale, log_odds: ArrayLike) -> NDArray[np.int64]:
    """Scores in whole points, of log-odds of default; halves go to the even one."""
    return np.rint(points(scale, log_odds)).astype(np.int64)


def bands(contract: Contract, found: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position among the contract's bands of each score's band."""
    cutoffs = [-band.min_score for band in contract.bands if band.min_score is not None]
    return np.searchsorted(cutoffs, -found)


def decisions(
    contract: Contract, found: NDArray[np.int64], unlearned: NDArray[np.bool_] | None = None
) -> NDArray[np.str_]:
    """The decision for each score; see `Contract.decide`.

    Parameters
    ----------
    unlearned : whether each row is in an unlearned state; None for a model that has none
    """
    by_score = np.array([band.decision for band in contract.bands])[bands(contract, found)]
    if unlearned is None or not contract.refers_unlearned:
        return by_score
    return np.where(unlearned, "refer", by_score)
