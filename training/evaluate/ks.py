"""The Kolmogorov-Smirnov distance between the classes' scores, with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from training.evaluate.intervals import QUANTILE, Figure, Interval, Withheld, too_few
from training.evaluate.logistic import NotEstimableError, fit_logistic
from training.evaluate.redrawn import redrawn_outcomes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.evaluate.score_counts import ClassCounts, ScoreCounts

DRAWS = 200
# Most scores of a draw; between neighbours of so many, the distance hardly moves.
DRAWN_SCORES = 2_000


@dataclass(frozen=True, slots=True)
class Distance:
    """The largest distance, its score, and the shares of goods and defaults at or below it."""

    value: float
    score: float
    goods: float
    defaults: float


def largest_distance(counts: ScoreCounts) -> Distance:
    """The largest distance between the classes' distributions; the lowest score of several."""
    goods, defaults = counts.shares()
    apart = np.abs(defaults - goods)
    widest = int(apart.argmax())
    at_widest = (apart, counts.score, goods, defaults)
    return Distance(*(float(values[widest]) for values in at_widest))


def ks_interval(counts: ScoreCounts) -> Figure:
    """The distance, with an interval around what is left of it without its bias.

    The largest of many distances is biased upwards, and so is every bootstrap of it. The bias is
    the mean excess in samples that are drawn from a logistic regression of the outcome on the
    scores. The standard error is that of the distance at the score where it is largest, and the
    interval is symmetric in log(1 - KS). See docs/validation.md for how often it covers the truth.
    """
    found = largest_distance(counts)
    reason = too_few(counts.n_defaults, counts.n_goods)
    if reason is not None:
        return Withheld(found.value, reason)
    try:
        bias = _bias(counts)
    except NotEstimableError as cause:
        return Withheld(found.value, str(cause))
    centre, error = max(found.value - bias, 0.0), _standard_error(found, counts)
    factor = float(np.exp(QUANTILE * error / (1 - centre)))
    low, high = 1 - (1 - centre) * factor, 1 - (1 - centre) / factor
    return Interval(found.value, max(min(low, found.value), 0.0), max(high, found.value))


def _standard_error(found: Distance, counts: ScoreCounts) -> float:
    shares = (found.goods, counts.of_goods), (found.defaults, counts.of_defaults)
    below = counts.score <= found.score
    return float(np.sqrt(sum(_variance(share, below, one) for share, one in shares)))


def _variance(share: float, below: NDArray[np.bool_], of_class: ClassCounts) -> float:
    """Linearised variance of the weighted share of a class that is at or below a score."""
    sides = (
        of_class.squares[side].sum() / (of_class.weight[side].sum() or 1)
        for side in (~below, below)
    )
    mean = sum(part * weight for part, weight in zip((share, 1 - share), sides, strict=True))
    return float(share * (1 - share) * mean / of_class.weight.sum())


def _bias(counts: ScoreCounts) -> float:
    """Mean distance of drawn samples less that of the model which they are drawn from."""
    fit = fit_logistic([counts.log_odds], counts.defaults, counts.rows)
    group = counts.groups(DRAWN_SCORES)
    rows = np.bincount(group, counts.rows)
    probability = np.clip(np.bincount(group, counts.rows * expit(fit.log_odds)) / rows, 0, 1)
    samples = redrawn_outcomes(counts, group, probability, DRAWS)
    return float(_distances(*samples.drawn).mean() - _distances(*samples.expected)[0])


def _distances(goods: NDArray[np.float64], defaults: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest distance in each of several samples of shape (n_samples, n_groups)."""
    below, above = defaults.cumsum(axis=1), goods.cumsum(axis=1)
    ends = (np.where(upto[:, -1:] > 0, upto[:, -1:], 1) for upto in (below, above))
    shares = [upto / end for upto, end in zip((below, above), ends, strict=True)]
    distances: NDArray[np.float64] = np.abs(shares[0] - shares[1]).max(axis=1)
    return distances
