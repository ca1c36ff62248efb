"""How well probabilities agree with outcomes: error, intercept and slope."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from training.evaluate.intervals import (
    QUANTILE,
    BesideChance,
    Figure,
    Interval,
    Withheld,
    too_few,
)
from training.evaluate.logistic import NotEstimableError, fit_logistic
from training.evaluate.redrawn import redrawn_outcomes
from training.evaluate.sandwich import sandwich_errors

if TYPE_CHECKING:
    from training.evaluate.score_counts import ScoreCounts

GROUPS = 10
DRAWS = 2_000
CHANCE_QUANTILE = 0.99


def error_beside_chance(counts: ScoreCounts) -> BesideChance:
    """Expected calibration error over ten groups of equal weight, beside what chance gives.

    There is no interval: the error of perfect probabilities is above 0, so an interval around it
    would say nothing about calibration. What it would be by chance alone is found by drawing
    outcomes from the probabilities.
    """
    group = counts.groups(GROUPS)
    rows = np.bincount(group, counts.rows)
    expected = np.bincount(group, counts.rows * counts.score)
    defaults = np.bincount(group, counts.defaults)
    share = np.clip(expected / rows, 0, 1)
    drawn_goods, drawn_defaults = redrawn_outcomes(counts, group, share, DRAWS).drawn
    drawn_rows = drawn_goods + drawn_defaults
    errors = np.abs(drawn_defaults - expected * (drawn_rows / rows))
    by_chance = errors.sum(axis=1) / drawn_rows.sum(axis=1)
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
    interval is Wald's; where rows have weights, with the sandwich's standard error.
    """
    try:
        fit = fit_logistic([], counts.defaults, counts.rows, counts.log_odds)
    except NotEstimableError as error:
        return Withheld(None, str(error))
    errors = np.array([fit.intercept_error])
    if not counts.weighting.even:
        errors = sandwich_errors(np.ones((1, len(counts.score))), expit(fit.log_odds), counts)
    return _wald(fit.intercept, float(errors[0]), counts)


def slope_interval(counts: ScoreCounts) -> Figure:
    """Slope of the outcome on the log-odds beside an intercept: 1 where calibrated; as above."""
    try:
        fit = fit_logistic([counts.log_odds], counts.defaults, counts.rows)
    except NotEstimableError as error:
        return Withheld(None, str(error))
    errors = fit.errors
    if not counts.weighting.even:
        centred = counts.log_odds - np.average(counts.log_odds, weights=counts.rows)
        X = np.stack([centred, np.ones(len(centred))])
        errors = sandwich_errors(X, expit(fit.log_odds), counts)
    return _wald(float(fit.coefficients[0]), float(errors[0]), counts)


def _wald(value: float, error: float, counts: ScoreCounts) -> Figure:
    reason = too_few(counts.n_defaults, counts.n_goods)
    if reason is not None:
        return Withheld(value, reason)
    return Interval(value, value - QUANTILE * error, value + QUANTILE * error)
