"""How rates and scores of one group differ from those of another, with 95 % intervals."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from training.evaluate.intervals import QUANTILE, Interval, wilson
from training.evaluate.weighting import effective_rows, weighted_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Ratios within exp(-30) and exp(30) are searched.
SEARCHED = 30.0


def rate_ratio(
    passed: float, n: float, compared_passed: float, compared_n: float
) -> Interval | None:
    """Ratio of two rates with its score interval; None where the compared rate is 0.

    The interval holds every ratio that the score test does not reject. A rate of 0 has the ratio
    0, with an upper end. The numbers may be effective ones of weighted rows, from `tally`.

    References
    ----------
    Koopman, Confidence intervals for the ratio of two binomial proportions, Biometrics 40 (1984);
    recommended by Fagerland, Lydersen and Laake, Statistical Methods in Medical Research 24 (2015).
    """
    if not compared_passed:
        return None
    ratio = (passed / n) / (compared_passed / compared_n)

    def beyond(log_ratio: float) -> float:
        found = _score_statistic(exp(log_ratio), passed, n, compared_passed, compared_n)
        return found - QUANTILE**2

    centre = log(ratio) if passed else -SEARCHED
    low = exp(brentq(beyond, -SEARCHED, centre, xtol=1e-12)) if passed else 0.0
    return Interval(ratio, low, exp(brentq(beyond, centre, SEARCHED, xtol=1e-12)))


def chance_of_a_lower_ratio(
    ratio: float, passed: float, n: float, compared_passed: float, compared_n: float
) -> float:
    """One-sided p-value of Koopman's score test of "the ratio is not below `ratio`".

    It is below 0.025 where the upper end of the 95 % interval of `rate_ratio` is below `ratio`.
    """
    rates = (passed, n, compared_passed, compared_n)
    distance = sqrt(_score_statistic(ratio, *rates))
    below = passed * compared_n < ratio * compared_passed * n
    return float(norm.sf(distance if below else -distance))


def _score_statistic(ratio: float, x: float, n: float, y: float, m: float) -> float:
    """Chi-square of x of n and y of m where the first rate is `ratio` times the second."""
    # The restricted likelihood is highest at the smaller root of a quadratic in the second rate.
    a, b, c = ratio * (n + m), ratio * (n + y) + x + m, x + y
    q = min(2 * c / (b + sqrt(max(b * b - 4 * a * c, 0.0))), 1.0)  # but for rounding
    p = min(ratio * q, 1.0)
    found = 0.0
    for observed, rows, rate in ((x, n, p), (y, m, q)):
        variance = rows * rate * (1 - rate)
        found += (observed - rows * rate) ** 2 / variance if variance else 0.0
    return found


def rate_difference(passed: float, n: float, compared_passed: float, compared_n: float) -> Interval:
    """Difference of two rates, its interval made of the two Wilson intervals.

    References
    ----------
    Newcombe, Statistics in Medicine 17 (1998), method 10.
    """
    ours, theirs = wilson(passed, n), wilson(compared_passed, compared_n)
    value = ours.value - theirs.value
    below = ((ours.value - ours.low) ** 2 + (theirs.high - theirs.value) ** 2) ** 0.5
    above = ((ours.high - ours.value) ** 2 + (theirs.value - theirs.low) ** 2) ** 0.5
    return Interval(value, value - below, value + above)


def standardised_mean_difference(
    values: NDArray[np.int64],
    compared: NDArray[np.int64],
    weights: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> Interval | None:
    """Difference of two means in pooled standard deviations; None where nothing varies.

    Parameters
    ----------
    weights : of the rows of both groups; None where all count alike

    References
    ----------
    Hedges and Olkin, Statistical Methods for Meta-Analysis (1985).
    """
    own, others = (None, None) if weights is None else weights
    (n, mean, variance), (m, compared_mean, compared_variance) = (
        _moments(values, own),
        _moments(compared, others),
    )
    pooled = ((n - 1) * variance + (m - 1) * compared_variance) / (n + m - 2)
    if not pooled:
        return None
    value = float((mean - compared_mean) / pooled**0.5)
    margin = QUANTILE * (1 / n + 1 / m + value**2 / (2 * (n + m))) ** 0.5
    return Interval(value, value - margin, value + margin)


def _moments(
    values: NDArray[np.int64], weight: NDArray[np.float64] | None
) -> tuple[float, float, float]:
    """Number of rows, or of effective ones, their mean, and the variance of a row."""
    if weight is None:
        ordered = np.sort(values)  # sums depend on the order otherwise
        return len(values), ordered.mean(), ordered.var(ddof=1)
    rows, mean = effective_rows(weight), weighted_mean(values, weight)
    return rows, mean, weighted_mean((values - mean) ** 2, weight) * rows / (rows - 1)
