"""Whether one model ranks better than another on the same rows: DeLong's paired test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from training.evaluate.intervals import QUANTILE, Interval, placements, standard_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Difference of two AUCs with its 95 % interval, and the two-sided p-value of none."""

    difference: Interval
    p_value: float


def compare_auc(
    y: NDArray[np.int8], first: NDArray[np.float64], second: NDArray[np.float64]
) -> PairedTest:
    """AUC of the first model less that of the second, both on the same rows.

    The models count as given: what another sample to fit them on would have changed is not in it.

    Parameters
    ----------
    y : shape (n_rows,), 1 is default, both classes present
    first, second : shape (n_rows,), any score that rises with the probability of default

    References
    ----------
    DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated receiver
    operating characteristic curves, Biometrics 44 (1988). Mid-ranks, which take n log n: Sun and
    Xu, Fast implementation of DeLong's algorithm, IEEE Signal Processing Letters 21 (2014).
    """
    ours, theirs = placements(y, first), placements(y, second)
    over_goods, under_defaults = ours[0] - theirs[0], ours[1] - theirs[1]
    difference, error = float(over_goods.mean()), standard_error(over_goods, under_defaults)
    margin = QUANTILE * error
    return PairedTest(
        Interval(difference, difference - margin, difference + margin),
        float(2 * norm.sf(abs(difference) / error)) if error else float(difference == 0),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number: below 5 % any is wrong in at most 5 % of such tables.

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
