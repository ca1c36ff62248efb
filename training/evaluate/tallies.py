"""Rows with an event among others, counted by weight, for the intervals of a share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.weighting import effective_rows, exact_sum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.evaluate.weighting import Weighting


def tally(
    event: NDArray[np.bool_], among: NDArray[np.bool_], y: NDArray[np.int8], weighting: Weighting
) -> tuple[float, float]:
    """Number of rows with the event among some rows, and the number of those.

    The numbers of weighted rows are those of equal ones whose share has the same value and the same
    variance, by linearisation. Where the default rate is known, only what varies within the classes
    counts.

    Parameters
    ----------
    event, among : shape (n_rows,); the second has a row
    y, weighting : of all rows of the sample

    References
    ----------
    Dean and Pagano, Evaluating confidence interval methods for binomial proportions in clustered
    surveys, Journal of Survey Statistics and Methodology 3 (2015).
    """
    happened, rows = int((event & among).sum()), int(among.sum())
    if weighting.even:
        return happened, rows
    weight = weighting.of(y)
    inside = np.where(among, weight, 0.0)
    if happened in (0, rows):
        trials = effective_rows(inside)
        return (trials if happened else 0.0), trials
    share = exact_sum(inside * event) / exact_sum(inside)
    deviation = inside * (event - share)
    if weighting.default_rate is not None:
        for of_class in (y == 0, y == 1):
            mean = exact_sum(deviation[of_class]) / exact_sum(weight[of_class])
            deviation[of_class] -= mean * weight[of_class]
    variance = exact_sum(deviation**2) / exact_sum(inside) ** 2
    trials = share * (1 - share) / variance if variance else effective_rows(inside)
    return share * trials, trials
