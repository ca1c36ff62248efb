"""Figures with their 95 % confidence intervals: proportions, means and their bootstraps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binomtest, bootstrap, norm

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIDENCE = 0.95
QUANTILE = float(norm.ppf((1 + CONFIDENCE) / 2))
RESAMPLES = 400
SEED = 1


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its 95 % confidence interval."""

    value: float
    low: float
    high: float


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
    interval = binomtest(successes, trials).proportion_ci(CONFIDENCE, method="wilson")
    return Interval(successes / trials, float(interval.low), float(interval.high))


def mean_interval(values: NDArray[np.float64]) -> Interval:
    """The mean over rows with the bootstrap's percentile interval; the same each time."""
    drawn = bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=1,  # all resamples at once would take 400 times the memory of the rows
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(SEED),
    )
    interval = drawn.confidence_interval
    return Interval(float(values.mean()), float(interval.low), float(interval.high))
