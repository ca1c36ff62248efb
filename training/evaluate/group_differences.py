"""How rates and scores of one group differ from those of another, with 95 % intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy.stats.contingency import relative_risk

from training.evaluate.intervals import CONFIDENCE, QUANTILE, Interval, wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def rate_ratio(passed: int, n: int, compared_passed: int, compared_n: int) -> Interval | None:
    """Ratio of two rates; None where either rate is 0.

    References
    ----------
    Katz et al., Biometrics 34 (1978): the interval is symmetric on the log scale.
    """
    if not passed or not compared_passed:
        return None
    ratio = relative_risk(passed, n, compared_passed, compared_n)
    interval = ratio.confidence_interval(CONFIDENCE)
    return Interval(float(ratio.relative_risk), float(interval.low), float(interval.high))


def rate_difference(passed: int, n: int, compared_passed: int, compared_n: int) -> Interval:
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
    values: NDArray[np.int64], compared: NDArray[np.int64]
) -> Interval | None:
    """Difference of two means in pooled standard deviations; None where nothing varies.

    References
    ----------
    Hedges and Olkin, Statistical Methods for Meta-Analysis (1985).
    """
    n, m = len(values), len(compared)
    pooled = ((n - 1) * values.var(ddof=1) + (m - 1) * compared.var(ddof=1)) / (n + m - 2)
    if not pooled:
        return None
    value = float((values.mean() - compared.mean()) / pooled**0.5)
    margin = QUANTILE * (1 / n + 1 / m + value**2 / (2 * (n + m))) ** 0.5
    return Interval(value, value - margin, value + margin)
