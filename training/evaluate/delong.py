"""AUC with DeLong's variance, and his paired test of two models on the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from training.evaluate.intervals import (
    CONFIDENCE,
    QUANTILE,
    Figure,
    Interval,
    Withheld,
    mean_and_error,
    too_few,
)
from training.evaluate.score_counts import ScoreCounts
from training.evaluate.weighting import EVEN, Weighting, exact_sum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.evaluate.score_counts import ClassCounts


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Difference of two AUCs with its 95 % interval, and the two-sided p-value of no difference."""

    difference: Interval
    p_value: float


def auc_figure(
    y: NDArray[np.int8], score: NDArray[np.float64], weighting: Weighting = EVEN
) -> Figure:
    """Area under the ROC curve with its interval, which is withheld for under 30 rows of a class.

    Parameters
    ----------
    y : shape (n_rows,), 1 is default, both classes present
    score : shape (n_rows,), any score that rises with the probability of default
    weighting : how many rows of the population each row stands for
    """
    return auc_figure_of(ScoreCounts.of(y, score, weighting))


def auc_figure_of(counts: ScoreCounts) -> Figure:
    """The same of rows that have been counted."""
    reason = too_few(counts.n_defaults, counts.n_goods)
    if reason is not None:
        return Withheld(area_and_error(counts)[0], reason)
    return auc_interval(counts)


def auc_interval(counts: ScoreCounts) -> Interval:
    """Area under the ROC curve with DeLong's interval, symmetric on the logit scale.

    References
    ----------
    The logit scale: Qin and Hotilovac, Comparison of non-parametric confidence intervals for the
    area under the ROC curve, Statistical Methods in Medical Research 17 (2008).
    """
    area, error = area_and_error(counts)
    if area in (0.0, 1.0):
        return _separated(area, min(counts.n_defaults, counts.n_goods))
    factor = exp(QUANTILE * error / (area * (1 - area)))
    odds = area / (1 - area)
    low, high = odds / factor, odds * factor
    return Interval(area, low / (1 + low), high / (1 + high))


def area_and_error(counts: ScoreCounts) -> tuple[float, float]:
    """Area under the ROC curve, ties counting one half, and DeLong's standard error.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated receiver
    operating characteristic curves, Biometrics 44 (1988). Their V10 and V01 depend on the score
    alone: the share of the goods below it, and of the defaults above it.
    """
    goods, defaults = counts.goods.cumsum(), counts.defaults.cumsum()
    below = (goods - counts.goods / 2) / goods[-1]
    above = 1 - (defaults - counts.defaults / 2) / defaults[-1]
    area, of_defaults = _mean_over(below, counts.of_defaults)
    _, of_goods = _mean_over(above, counts.of_goods)
    return area, float(np.hypot(of_defaults, of_goods))


def _mean_over(values: NDArray[np.float64], rows: ClassCounts) -> tuple[float, float]:
    return mean_and_error(values, rows.weight, rows.squares, rows.rows)


def _separated(area: float, pairs: int) -> Interval:
    """The interval where one class scores above the other throughout.

    The rows hold as many independent pairs as the smaller class has rows. If the area were a, all
    of them would be in order with probability a**pairs.
    """
    bound = ((1 - CONFIDENCE) / 2) ** (1 / pairs)
    return Interval(1.0, bound, 1.0) if area else Interval(0.0, 0.0, 1 - bound)


def compare_auc(
    y: NDArray[np.int8],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    weighting: Weighting = EVEN,
) -> PairedTest:
    """AUC of the first model less that of the second, both on the same rows.

    The models are taken as given: the test does not cover what another training sample would
    change. The difference is the same to the last bit in every order of the rows.

    Parameters
    ----------
    y, first, second, weighting : as in `auc_figure`; the references of `area_and_error` apply
    """
    weight = weighting.own(len(y))
    ours, theirs = _placements(y, first, weight), _placements(y, second, weight)
    difference, of_defaults = _mean_and_error(ours[0] - theirs[0], weight[y == 1])
    _, of_goods = _mean_and_error(ours[1] - theirs[1], weight[y == 0])
    error = float(np.hypot(of_defaults, of_goods))
    margin = QUANTILE * error
    return PairedTest(
        Interval(difference, difference - margin, difference + margin),
        float(2 * norm.sf(abs(difference) / error)) if error else float(difference == 0),
    )


def _placements(
    y: NDArray[np.int8], score: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of the goods below each default, and of the defaults above each good; ties count half.

    Returns
    -------
    Arrays of shape (n_defaults,) and (n_goods,)
    """
    default, good = y == 1, y == 0
    over_goods = _share_below(score[default], score[good], weight[good])
    under_defaults = 1 - _share_below(score[good], score[default], weight[default])
    return over_goods, under_defaults


def _share_below(
    scores: NDArray[np.float64], others: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of the weight of the others that is below each score; ties count half."""
    order = np.lexsort((weight, others))
    upto = np.concatenate([[0.0], np.cumsum(weight[order])])
    below, with_ties = (
        upto[np.searchsorted(others[order], scores, side)] for side in ("left", "right")
    )
    share: NDArray[np.float64] = (below + with_ties) / 2 / upto[-1]
    return share


def _mean_and_error(
    values: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float, float]:
    """The mean and its standard error, of exact sums, which do not depend on the order."""
    count, total = len(values), exact_sum(weight)
    mean = exact_sum(weight * values) / total
    squares = exact_sum((weight * (values - mean)) ** 2)
    return mean, sqrt(squares / max(count - 1, 1) * (count / total) / total)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for multiple tests.

    Rejecting those below 5 % makes any false rejection at most 5 % likely.

    References
    ----------
    Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statistics 6 (1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    remaining = np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(np.take(p_values, order) * remaining), 1)
    return [float(value) for value in adjusted]
