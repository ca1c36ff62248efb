"""The expected profit per applicant with its interval.

It is the difference of two means of amounts of 0 or more, the gains and the losses. Each has an
interval that is symmetric on the log scale, since a few large losses skew the mean of a sample,
and the interval of the difference follows from both and their correlation. The quantile is that of
Student's t; its degrees of freedom are the effective number of gains, losses, goods or defaults,
whichever is smallest: the squared sum over the sum of squares, the number of equal amounts.

References
----------
Zou and Donner, Construction of confidence limits about effect measures, Statistics in Medicine 27
(2008); for correlated estimates Zou, Psychological Methods 12 (2007). Effective number: Kish,
Survey Sampling (1965).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import t as student_t

from training.evaluate.intervals import CONFIDENCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.evaluate.outcomes import Outcomes


def profit_with_interval(
    outcomes: Outcomes, ends: NDArray[np.int64]
) -> tuple[NDArray[np.float64], ...]:
    """Profit, ends of its interval, and effective number, if the rows up to each end are approved.

    All of shape (n_ends + 1,), starting with nobody.
    """
    parts = np.stack([np.maximum(outcomes.value, 0), np.maximum(-outcomes.value, 0)])
    means = np.stack([sums_up_to(outcomes.weight * part, ends) for part in parts])
    means = means / outcomes.weight.sum()
    effective = _effective_number(outcomes, parts, ends)
    quantile = student_t.ppf((1 + CONFIDENCE) / 2, np.maximum(effective - 1, 1))
    gain, loss = means
    covariance = _covariance(outcomes, parts, ends)
    errors = np.sqrt(np.maximum(covariance[[0, 1], [0, 1]], 0))
    correlation = _ratio(covariance[0, 1], errors.prod(axis=0))
    relative = quantile * _ratio(errors, means)
    (less_gain, less_loss), (more_gain, more_loss) = (
        -means * np.expm1(-relative),
        means * np.expm1(relative),
    )
    profit = gain - loss
    low = profit - _hypotenuse(less_gain, more_loss, correlation)
    return profit, low, profit + _hypotenuse(more_gain, less_loss, correlation), effective


def _effective_number(
    outcomes: Outcomes, parts: NDArray[np.float64], ends: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The effective number of gains, losses, goods or defaults, whichever is smallest."""
    either = parts.sum(axis=0)
    groups = [*parts, *(either * (outcomes.y == label) for label in (0, 1))]
    weighted = [outcomes.weight * group for group in groups]
    sums = np.stack([sums_up_to(amounts, ends) for amounts in weighted])
    squares = np.stack([sums_up_to(amounts**2, ends) for amounts in weighted])
    return _ratio(sums**2, squares).min(axis=0)


def _covariance(
    outcomes: Outcomes, parts: NDArray[np.float64], ends: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Covariance matrices of the weighted means of gains and losses, shape (2, 2, n_ends + 1).

    Within the classes where their shares are known, as in a stratified sample.
    """
    known = outcomes.rate_known
    strata = [outcomes.y == label for label in (0, 1)] if known else [outcomes.y >= 0]
    squares = [
        _squares(outcomes.weight * among, parts, ends) * (among.sum() / max(among.sum() - 1, 1))
        for among in strata
    ]
    found: NDArray[np.float64] = np.sum(squares, axis=0) / outcomes.weight.sum() ** 2
    return found


def _squares(
    weight: NDArray[np.float64], parts: NDArray[np.float64], ends: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Sums of squares and products of the weighted gains and losses about their weighted means.

    Of shape (2, 2, n_ends + 1). Rows that are not approved have gains and losses of 0, and no row
    has both.
    """
    squared = weight**2
    means = np.stack([sums_up_to(weight * part, ends) for part in parts]) / weight.sum()
    first = np.stack([sums_up_to(squared * part, ends) for part in parts])
    second = np.stack([sums_up_to(squared * part**2, ends) for part in parts])
    about = means[:, None] * (squared.sum() * means[None] - first[None]) - first[:, None] * means
    found: NDArray[np.float64] = about + np.eye(2)[..., None] * second[:, None]
    return found


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """The quotient, and 0 where the denominator is 0."""
    found: NDArray[np.float64] = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    return found


def _hypotenuse(
    one: NDArray[np.float64], other: NDArray[np.float64], correlation: NDArray[np.float64]
) -> NDArray[np.float64]:
    squared = one**2 + other**2 - 2 * correlation * one * other
    found: NDArray[np.float64] = np.sqrt(np.maximum(squared, 0))
    return found


def sums_up_to(values: NDArray[np.float64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums of the first values up to each end, after that of none."""
    return np.concatenate([[0.0], values.cumsum()[ends - 1]])
