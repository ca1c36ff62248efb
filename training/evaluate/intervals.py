"""Intervals of the figures: a value and where its 95 % confidence interval ends."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm, rankdata

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    type Metric = Callable[[NDArray[np.int8], NDArray[np.float64]], float]
    type Groups = Mapping[str, NDArray[np.bool_]]

CONFIDENCE = 0.95
QUANTILE = float(norm.ppf((1 + CONFIDENCE) / 2))
RESAMPLES = 400
SEED = 1


def wilson(successes: int, trials: int) -> Interval:
    """A proportion with its score interval.

    References
    ----------
    Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927);
    recommended by Brown, Cai, DasGupta, Interval estimation for a binomial proportion (2001).

    Examples
    --------
    >>> interval = wilson(8, 10)
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.49, 0.943)
    """
    z2 = float(norm.ppf((1 + CONFIDENCE) / 2)) ** 2
    share = successes / trials
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    spread = (z2 * share * (1 - share) / trials + (z2 / (2 * trials)) ** 2) ** 0.5
    margin = spread / (1 + z2 / trials)
    return Interval(share, max(centre - margin, 0.0), min(centre + margin, 1.0))


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its 95 % confidence interval."""

    value: float
    low: float
    high: float


def auc_interval(y: NDArray[np.int8], score: NDArray[np.float64]) -> Interval:
    """Area under the ROC curve with DeLong's variance, cut to [0, 1].

    References
    ----------
    DeLong et al., Biometrics 44 (1988); in the mid-rank form of Sun and Xu, IEEE SPL 21 (2014).
    """
    over_goods, under_defaults = placements(y, score)
    value = float(over_goods.mean())
    margin = QUANTILE * standard_error(over_goods, under_defaults)
    return Interval(value, max(value - margin, 0.0), min(value + margin, 1.0))


def placements(
    y: NDArray[np.int8], score: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of the goods below each default, and of the defaults above each good; ties count half.

    The mean of either is the AUC; DeLong calls them V10 and V01. Shapes (n_defaults,), (n_goods,).
    """
    defaults, goods = score[y == 1], score[y == 0]
    m, n = len(defaults), len(goods)
    ranks = rankdata(np.concatenate([defaults, goods]))
    over_goods = (ranks[:m] - rankdata(defaults)) / n
    under_defaults = 1 - (ranks[m:] - rankdata(goods)) / m
    return over_goods, under_defaults


def standard_error(over_goods: NDArray[np.float64], under_defaults: NDArray[np.float64]) -> float:
    """Of the mean of placements, or of the difference of two models' placements."""
    variances = (_variance(values) / len(values) for values in (over_goods, under_defaults))
    return float(np.sqrt(sum(variances)))


def _variance(values: NDArray[np.float64]) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0


def ratio(passed: int, n: int, passed_there: int, m: int) -> Interval | None:
    """Ratio of two rates with Katz's interval; None where either is 0."""
    if not passed or not passed_there:
        return None
    value = (passed / n) / (passed_there / m)
    error = (1 / passed - 1 / n + 1 / passed_there - 1 / m) ** 0.5
    return Interval(value, value * exp(-QUANTILE * error), value * exp(QUANTILE * error))


def standardised(values: NDArray[np.int64], there: NDArray[np.int64]) -> Interval | None:
    """Difference of two means in pooled standard deviations; None where nothing varies."""
    n, m = len(values), len(there)
    pooled = ((n - 1) * values.var(ddof=1) + (m - 1) * there.var(ddof=1)) / (n + m - 2)
    if not pooled:
        return None
    value = float((values.mean() - there.mean()) / pooled**0.5)
    margin = QUANTILE * (1 / n + 1 / m + value**2 / (2 * (n + m))) ** 0.5
    return Interval(value, value - margin, value + margin)


def difference(passed: int, n: int, passed_there: int, m: int) -> Interval:
    """Difference of two rates with Newcombe's interval, made of Wilson's two."""
    here, there = wilson(passed, n), wilson(passed_there, m)
    value = here.value - there.value
    below = ((here.value - here.low) ** 2 + (there.high - there.value) ** 2) ** 0.5
    above = ((here.high - here.value) ** 2 + (there.value - there.low) ** 2) ** 0.5
    return Interval(value, value - below, value + above)


def bootstrap_difference(
    y: NDArray[np.int8], first: NDArray[np.float64], second: NDArray[np.float64]
) -> Interval:
    """AUC of the first less that of the second, with the paired bootstrap's percentile interval.

    Rows are drawn with replacement within each class; both models get the same draws.
    """
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
    """AUC of drawn rows, in time that grows with their number alone; ties count one half."""
    below = np.bincount(ranked[goods], minlength=int(ranked.max()) + 1)
    under = below.cumsum() - below / 2
    return float(under[ranked[defaults]].mean() / len(goods))


def mean_interval(values: NDArray[np.float64]) -> Interval:
    """A mean over rows and the bootstrap's percentile interval; draws are the same each time."""
    rng = np.random.default_rng(SEED)
    drawn = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(values.mean()), float(low), float(high))
