"""Figures with their 95 % confidence intervals, or with the reason why they have none."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIDENCE = 0.95
QUANTILE = float(norm.ppf((1 + CONFIDENCE) / 2))
SEED = 1
# With fewer rows of a class, the intervals cover the truth less often than they say.
MIN_OF_CLASS = 30


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Withheld:
    """A figure without an interval, and why; `value` is None where there is no figure either."""

    value: float | None
    withheld: str
    low: None = None
    high: None = None


@dataclass(frozen=True, slots=True)
class BesideChance:
    """A figure that chance alone lifts above 0.

    Attributes
    ----------
    chance : the mean that chance alone gives
    chance_high : the value that chance alone exceeds in one of a hundred samples
    """

    value: float
    chance: float
    chance_high: float


type Figure = Interval | Withheld
type Metric = Figure | BesideChance


def too_few(defaults: int, goods: int) -> str | None:
    """Why intervals are withheld for so many rows of each class; None where they are not.

    Examples
    --------
    >>> too_few(12, 400)
    'fewer than 30 defaults'
    """
    if defaults < MIN_OF_CLASS:
        return f"fewer than {MIN_OF_CLASS} defaults"
    return f"fewer than {MIN_OF_CLASS} goods" if goods < MIN_OF_CLASS else None


def wilson(successes: float, trials: float) -> Interval:
    """A proportion with its score interval; both numbers may be effective ones of weighted rows.

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
    rate, other = successes / trials, 1 - successes / trials
    scale = 2 * (trials + QUANTILE**2)
    centre = (2 * trials * rate + QUANTILE**2) / scale
    margin = QUANTILE / scale * sqrt(4 * trials * rate * other + QUANTILE**2)
    low = centre - margin if successes else 0.0
    return Interval(rate, low, centre + margin if successes < trials else 1.0)


def mean_interval(values: NDArray[np.float64]) -> Interval:
    """The mean over independent rows, with the interval of the central limit theorem."""
    distinct, rows = np.unique(values, return_counts=True)
    mean, error = mean_and_error(distinct, rows, rows, len(values))
    return Interval(mean, mean - QUANTILE * error, mean + QUANTILE * error)


def mean_loss_interval(mean: float, error: float) -> Interval:
    """The mean of losses that are 0 or more; the interval is symmetric on the log scale."""
    factor = exp(QUANTILE * error / mean) if mean else 1.0
    return Interval(mean, mean / factor, mean * factor)


def mean_and_error(
    values: NDArray[np.float64],
    weight: NDArray[np.float64] | NDArray[np.int64],
    squares: NDArray[np.float64] | NDArray[np.int64],
    count: int,
) -> tuple[float, float]:
    """The weighted mean of values over rows, and its standard error; 0 for one row.

    Parameters
    ----------
    weight, squares : sums of the weights, and of their squares, of the rows with each value; both
        are numbers of rows where there are no weights
    count : number of rows

    References
    ----------
    The linearised variance of a ratio: Särndal, Swensson and Wretman, Model Assisted Survey
    Sampling (1992), section 5.7.
    """
    total = float(weight.sum())
    mean = float(np.sum(weight * values)) / total
    spread = float(np.sum(squares * (values - mean) ** 2))
    return mean, sqrt(spread / max(count - 1, 1) * (count / total) / total)
