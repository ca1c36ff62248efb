"""The Kolmogorov-Smirnov distance between the classes' scores, with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from training.evaluate.intervals import QUANTILE, SEED, Figure, Interval, Withheld, too_few
from training.evaluate.logistic import NotEstimableError, fit_logistic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.evaluate.score_counts import ScoreCounts

DRAWS = 200
# Most scores of a draw; between neighbours of so many, the distance hardly moves.
DRAWN_SCORES = 2_000


@dataclass(frozen=True, slots=True)
class Distance:
    """The largest distance, and the shares of goods and of defaults at or below its score."""

    value: float
    goods: float
    defaults: float


def largest_distance(counts: ScoreCounts) -> Distance:
    """The largest distance between the classes' distributions; the lowest score of several."""
    goods, defaults = counts.shares()
    apart = np.abs(defaults - goods)
    widest = int(apart.argmax())
    return Distance(float(apart[widest]), float(goods[widest]), float(defaults[widest]))


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
    variances = (
        share * (1 - share) / rows
        for share, rows in ((found.goods, counts.n_goods), (found.defaults, counts.n_defaults))
    )
    return float(np.sqrt(sum(variances)))


def _bias(counts: ScoreCounts) -> float:
    """Mean distance of drawn samples less that of the model which they are drawn from."""
    fit = fit_logistic([counts.log_odds], counts.defaults.astype(float), counts.rows.astype(float))
    group = counts.groups(DRAWN_SCORES)
    rows = np.bincount(group, counts.rows).astype(np.int64)
    probability = np.bincount(group, counts.rows * expit(fit.log_odds)) / rows
    expected = _distances((rows * probability)[None], rows)[0]
    rng = np.random.default_rng(SEED)
    drawn = rng.binomial(rows, np.clip(probability, 0, 1), (DRAWS, len(rows)))
    return float(_distances(drawn, rows).mean() - expected)


def _distances(
    defaults: NDArray[np.int64] | NDArray[np.float64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Largest distance in each of several samples, shape (n_samples,)."""
    below, goods = defaults.cumsum(axis=1), (rows - defaults).cumsum(axis=1)
    ends = np.maximum(below[:, -1:], 1), np.maximum(goods[:, -1:], 1)
    distances: NDArray[np.float64] = np.abs(below / ends[0] - goods / ends[1]).max(axis=1)
    return distances
