"""Logistic regression by maximum likelihood on a few columns; it converges or raises an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, log_expit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_STEPS = 200
HALVINGS = 50
# The fit has converged when the next step is smaller than this, both beside the standard error and
# beside the coefficient.
TOLERANCE = 1e-9
# Rounding may lower the log-likelihood by this share of itself at the maximum.
ROUNDING = 1e-12
SMALLEST_SPREAD = 1e-12


class NotEstimableError(ValueError):
    """The likelihood has no maximum, or none was found; the message says which."""


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """The maximum of a likelihood.

    Attributes
    ----------
    intercept : log-odds where all columns are 0
    intercept_error : standard error of the log-odds where all columns are at their means
    coefficients, errors : of the columns, with their standard errors, shape (n_columns,)
    log_odds : fitted, shape (n_rows,)
    """

    intercept: float
    intercept_error: float
    coefficients: NDArray[np.float64]
    errors: NDArray[np.float64]
    log_odds: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Likelihood:
    """The likelihood of `events` out of `trials` in each row, as a function of the weights.

    Attributes
    ----------
    X : shape (n_weights, n_rows)
    offset : shape (n_rows,)
    """

    X: NDArray[np.float64]
    events: NDArray[np.float64]
    trials: NDArray[np.float64]
    offset: NDArray[np.float64]

    def log_odds(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        # Not a matrix product, which would start a thread per processor for two columns.
        total: NDArray[np.float64] = np.einsum("i,ij->j", weights, self.X) + self.offset
        return total

    def logarithm(self, weights: NDArray[np.float64]) -> float:
        z = self.log_odds(weights)
        goods = self.trials - self.events
        return float(np.sum(self.events * log_expit(z) + goods * log_expit(-z)))

    def newton(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Newton's step, and the variances of the weights; LinAlgError where there are none."""
        p = expit(self.log_odds(weights))
        spread = self.trials * p * (1 - p)
        information = np.einsum("ij,kj->ik", self.X * spread, self.X)
        score = np.sum(self.X * (self.events - self.trials * p), axis=1)
        inverse = np.linalg.inv(information)
        return inverse @ score, np.diagonal(inverse)

    def climb(self, weights: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
        """The weights after a step, which is halved until it does not lower the likelihood."""
        before = self.logarithm(weights)
        for _ in range(HALVINGS):
            if self.logarithm(weights + step) >= before - ROUNDING * abs(before):
                return weights + step
            step = step / 2
        raise NotEstimableError("the fit did not converge")


def fit_logistic(
    columns: Sequence[NDArray[np.float64]],
    events: NDArray[np.float64],
    trials: NDArray[np.float64],
    offset: NDArray[np.float64] | None = None,
) -> LogisticFit:
    """Maximise the likelihood of `events` out of `trials` in each row.

    The likelihood is concave, so Newton's steps, each halved until it does not lower the
    likelihood, lead to the maximum from any start, if there is one. Columns are centred and scaled.

    Parameters
    ----------
    columns : each of shape (n_rows,)
    events, trials : shape (n_rows,); fractions are allowed
    offset : log-odds that are added as they are, shape (n_rows,)

    Raises
    ------
    NotEstimableError
        A class is absent, a column does not vary or separates the classes, or the steps end before
        they are small.

    References
    ----------
    McCullagh and Nelder, Generalized Linear Models (1989), section 2.5. Existence of the maximum:
    Albert and Anderson, Biometrika 71 (1984).
    """
    if not 0 < events.sum() < trials.sum():
        raise NotEstimableError("the rows hold one class only")
    means = np.array([np.average(column, weights=trials) for column in columns])
    centred = [column - mean for column, mean in zip(columns, means, strict=True)]
    scales = np.array([np.average(column**2, weights=trials) for column in centred]) ** 0.5
    if np.any(scales <= SMALLEST_SPREAD * np.abs(means)):
        raise NotEstimableError("the values do not vary")
    scaled = [column / scale for column, scale in zip(centred, scales, strict=True)]
    given = np.zeros(len(trials)) if offset is None else offset
    likelihood = _Likelihood(np.stack([np.ones(len(trials)), *scaled]), events, trials, given)
    weights, errors = _maximum(likelihood)
    coefficients = weights[1:] / scales
    return LogisticFit(
        intercept=float(weights[0] - np.sum(coefficients * means)),
        intercept_error=float(errors[0]),
        coefficients=coefficients,
        errors=errors[1:] / scales,
        log_odds=likelihood.log_odds(weights),
    )


def _maximum(likelihood: _Likelihood) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The weights at the maximum and their standard errors."""
    weights = np.zeros(len(likelihood.X))
    rate = likelihood.events.sum() / likelihood.trials.sum()
    centre = np.average(likelihood.offset, weights=likelihood.trials)
    weights[0] = np.log(rate / (1 - rate)) - centre
    for _ in range(MOST_STEPS):
        try:
            step, variances = likelihood.newton(weights)
        except np.linalg.LinAlgError:
            break
        errors = np.sqrt(np.maximum(variances, 0))
        if not np.isfinite(step).all():
            break
        if np.all(np.abs(step) <= TOLERANCE * np.minimum(errors, 1 + np.abs(weights))):
            return weights + step, errors
        weights = likelihood.climb(weights, step)
    raise NotEstimableError(_reason(likelihood, weights))


def _reason(likelihood: _Likelihood, weights: NDArray[np.float64]) -> str:
    """Why there is no maximum."""
    fitted = likelihood.log_odds(weights)
    defaults, goods = likelihood.events > 0, likelihood.events < likelihood.trials
    if fitted[goods].max() <= fitted[defaults].min():
        return "the values separate the classes, so the likelihood has no maximum"
    return "the fit did not converge"
