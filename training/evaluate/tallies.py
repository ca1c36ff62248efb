"""Rows with an event among others, counted by weight, for the intervals of a share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.evaluate.weighting import effective_rows, exact_sum

if TYPE_CHECKING:
    import numpy as np
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
    inside, of_event = weight[among], event[among]
    if happened in (0, rows):
        trials = effective_rows(inside)
        return (trials if happened else 0.0), trials
    total = exact_sum(inside)
    share = exact_sum(inside[of_event]) / total
    deviation = inside * (of_event - share)
    if weighting.default_rate is None:
        squares = exact_sum(deviation**2)
    else:
        squares = sum(
            _within(deviation[y[among] == k], inside[y[among] == k], weight[y == k]) for k in (0, 1)
        )
    variance = squares / total**2
    trials = share * (1 - share) / variance if variance else effective_rows(inside)
    return share * trials, trials


def _within(
    deviation: NDArray[np.float64], weight: NDArray[np.float64], of_class: NDArray[np.float64]
) -> float:
    """Sum of the squared deviations of a class from their weighted mean.

    Parameters
    ----------
    deviation, weight : of the rows that count; those of the other rows of the class are 0
    of_class : weights of all rows of the class
    """
    mean = exact_sum(deviation) / exact_sum(of_class)
    # The sums over many small groups would take long if each went through all rows one by one.
    others = max(exact_sum(of_class**2) - exact_sum(weight**2), 0.0)
    return exact_sum((deviation - mean * weight) ** 2) + mean**2 * others
