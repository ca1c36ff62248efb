"""How well probabilities agree with outcomes: error, intercept and slope."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.intervals import (
    QUANTILE,
    SEED,
    BesideChance,
    Figure,
    Interval,
    Withheld,
    too_few,
)
from training.evaluate.logistic import NotEstimableError, fit_logistic

if TYPE_CHECKING:
    from training.evaluate.score_counts import ScoreCounts

GROUPS = 10
DRAWS = 2_000
CHANCE_QUANTILE = 0.99


def error_beside_chance(counts: ScoreCounts) -> BesideChance:
    """Expected calibration error over ten groups of rows, beside what chance gives.

    There is no interval: the error of perfect probabilities is above 0, so an interval around it
    would say nothing about calibration. What it would be by chance alone is found by drawing
    outcomes from the probabilities.
    """
    group = counts.groups(GROUPS)
    rows = np.bincount(group, counts.rows).astype(np.int64)
    expected = np.bincount(group, counts.rows * counts.score)
    defaults = np.bincount(group, counts.defaults)
    share = np.clip(expected / rows, 0, 1)
    drawn = np.random.default_rng(SEED).binomial(rows, share, (DRAWS, len(rows)))
    by_chance = np.abs(drawn - expected).sum(axis=1) / rows.sum()
    return BesideChance(
        float(np.abs(defaults - expected).sum() / rows.sum()),
        float(by_chance.mean()),
        float(np.quantile(by_chance, CHANCE_QUANTILE)),
    )


def intercept_interval(counts: ScoreCounts) -> Figure:
    """Intercept of the outcome on the log-odds at slope 1: 0 where calibrated in the large.

    References
    ----------
    Cox, Two further applications of a model for binary regression, Biometrika 45 (1958). The
    interval is Wald's.
    """
    defaults, rows = counts.defaults.astype(float), counts.rows.astype(float)
    try:
        fit = fit_logistic([], defaults, rows, counts.log_odds)
    except NotEstimableError as error:
        return Withheld(None, str(error))
    return _wald(fit.intercept, fit.intercept_error, counts)


def slope_interval(counts: ScoreCounts) -> Figure:
    """Slope of the outcome on the log-odds beside an intercept: 1 where calibrated; as above."""
    defaults, rows = counts.defaults.astype(float), counts.rows.astype(float)
    try:
        fit = fit_logistic([counts.log_odds], defaults, rows)
    except NotEstimableError as error:
        return Withheld(None, str(error))
    return _wald(float(fit.coefficients[0]), float(fit.errors[0]), counts)


def _wald(value: float, error: float, counts: ScoreCounts) -> Figure:
    reason = too_few(counts.n_defaults, counts.n_goods)
    if reason is not None:
        return Withheld(value, reason)
    return Interval(value, value - QUANTILE * error, value + QUANTILE * error)
