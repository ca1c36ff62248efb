"""AUC with DeLong's variance, and his paired test of two models on the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm, rankdata

from training.evaluate.intervals import QUANTILE, Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Difference of two AUCs with its 95 % interval, and the two-sided p-value of no difference."""

    difference: Interval
    p_value: float


def auc_interval(y: NDArray[np.int8], score: NDArray[np.float64]) -> Interval:
    """Area under the ROC curve with DeLong's interval, cut to [0, 1].

    Parameters
    ----------
    y : shape (n_rows,), 1 is default, both classes present
    score : shape (n_rows,), any score that rises with the probability of default

    References
    ----------
    DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated receiver
    operating characteristic curves, Biometrics 44 (1988). Mid-ranks, which take n log n: Sun and
    Xu, Fast implementation of DeLong's algorithm, IEEE Signal Processing Letters 21 (2014).
    """
    over_goods, under_defaults = placements(y, score)
    value = float(over_goods.mean())
    margin = QUANTILE * standard_error(over_goods, under_defaults)
    return Interval(value, max(value - margin, 0.0), min(value + margin, 1.0))


def compare_auc(
    y: NDArray[np.int8], first: NDArray[np.float64], second: NDArray[np.float64]
) -> PairedTest:
    """AUC of the first model less that of the second, both on the same rows.

    The models are taken as given: the test does not cover what another training sample would
    change.

    Parameters
    ----------
    y, first, second : as in `auc_interval`, whose references apply
    """
    ours, theirs = placements(y, first), placements(y, second)
    over_goods, under_defaults = ours[0] - theirs[0], ours[1] - theirs[1]
    difference, error = float(over_goods.mean()), standard_error(over_goods, under_defaults)
    margin = QUANTILE * error
    return PairedTest(
        Interval(difference, difference - margin, difference + margin),
        float(2 * norm.sf(abs(difference) / error)) if error else float(difference == 0),
    )


def placements(
    y: NDArray[np.int8], score: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of the goods below each default, and of the defaults above each good; ties count half.

    The mean of either is the AUC; DeLong calls them V10 and V01.

    Returns
    -------
    Arrays of shape (n_defaults,) and (n_goods,)
    """
    defaults, goods = score[y == 1], score[y == 0]
    m, n = len(defaults), len(goods)
    # Ranks among all rows less ranks within the class count the rows of the other class below.
    ranks = rankdata(np.concatenate([defaults, goods]))
    over_goods = (ranks[:m] - rankdata(defaults)) / n
    under_defaults = 1 - (ranks[m:] - rankdata(goods)) / m
    return over_goods, under_defaults


def standard_error(over_goods: NDArray[np.float64], under_defaults: NDArray[np.float64]) -> float:
    """Standard error of the mean of placements, or of the difference of two models' placements."""
    variances = (_variance(values) / len(values) for values in (over_goods, under_defaults))
    return float(np.sqrt(sum(variances)))


def _variance(values: NDArray[np.float64]) -> float:
    # A class of one row gives no estimate of the variance.
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0


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
