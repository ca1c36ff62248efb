"""Discrimination and calibration on held-out rows, each figure with a 95 % interval."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.delong import auc_interval
from training.evaluate.intervals import CONFIDENCE, RESAMPLES, SEED, Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    type Metric = Callable[[NDArray[np.int8], NDArray[np.float64]], float]

# Most rows of a resample: 400 resamples of a large test set would take minutes.
DRAWN_ROWS = 10_000
CALIBRATION_GROUPS = 10
NEWTON_STEPS = 12
CONVERGED = 1e-10


def evaluate(y: NDArray[np.int8], probability: NDArray[np.float64]) -> dict[str, Interval]:
    """AUC and Gini with DeLong's interval, the others with the bootstrap's percentile interval.

    At most 10,000 rows are drawn per resample; where there are more, the distances from the figures
    of all rows are multiplied by the square root of the share drawn.

    Parameters
    ----------
    y : array of shape (n_rows,), 1 is default, both classes present
    probability : array of shape (n_rows,), probability of default

    References
    ----------
    Bickel, Götze, van Zwet, Resampling fewer than n observations (Statistica Sinica 7, 1997).
    """
    area = auc_interval(y, probability)
    figures = {
        "auc": area,
        "gini": Interval(2 * area.value - 1, 2 * area.low - 1, 2 * area.high - 1),
    }
    rng = np.random.default_rng(SEED)
    drawn = [_figures(y, probability, _resample(y, rng)) for _ in range(RESAMPLES)]
    lows, highs = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    shrunk = min(1.0, DRAWN_ROWS / len(y)) ** 0.5
    for (name, metric), low, high in zip(METRICS.items(), lows, highs, strict=True):
        value = metric(y, probability)
        figures[name] = Interval(
            value, value + shrunk * (float(low) - value), value + shrunk * (float(high) - value)
        )
    return figures


def _figures(
    y: NDArray[np.int8], probability: NDArray[np.float64], rows: NDArray[np.int64]
) -> list[float]:
    drawn_y, drawn_probability = y[rows], probability[rows]
    return [metric(drawn_y, drawn_probability) for metric in METRICS.values()]


def auc(y: NDArray[np.int8], score: NDArray[np.float64]) -> float:
    """Area under the ROC curve; ties count one half."""
    return auc_interval(y, score).value


def ks(y: NDArray[np.int8], probability: NDArray[np.float64]) -> float:
    """Kolmogorov-Smirnov: the largest distance between the classes' distributions."""
    order = np.argsort(probability, kind="stable")
    # No cutoff can split a tie, so only the last row of each tie counts.
    ordered, last = y[order], np.flatnonzero(np.diff(probability[order], append=np.inf))
    defaults = np.cumsum(ordered == 1)[last] / max((y == 1).sum(), 1)
    goods = np.cumsum(ordered == 0)[last] / max((y == 0).sum(), 1)
    return float(np.abs(defaults - goods).max())


def brier(y: NDArray[np.int8], probability: NDArray[np.float64]) -> float:
    """Mean squared error of the probability."""
    return float(np.mean((probability - y) ** 2))


def log_loss(y: NDArray[np.int8], probability: NDArray[np.float64]) -> float:
    """Mean negative log-likelihood; probabilities are kept within 1e-12 of 0 and 1."""
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    return float(-np.mean(np.where(y == 1, np.log(p), np.log(1 - p))))


def calibration_error(y: NDArray[np.int8], probability: NDArray[np.float64]) -> float:
    """Expected calibration error over ten groups of equally many rows."""
    gaps = [
        abs(y[rows].mean() - probability[rows].mean()) * len(rows)
        for rows in calibration_groups(probability)
    ]
    return float(sum(gaps) / len(y))


def calibration_groups(probability: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Rows in ten groups of equal size by rising probability, without empty groups."""
    order = np.argsort(probability, kind="stable")
    return [rows for rows in np.array_split(order, CALIBRATION_GROUPS) if len(rows)]


def chance_error(probability: NDArray[np.float64]) -> float:
    """The calibration error that chance alone gives to correct probabilities.

    It is the mean distance of a group's default rate from its expectation, which is
    sqrt(2 p (1 - p) / (pi n)) in the normal approximation.
    """
    groups = [probability[rows] for rows in calibration_groups(probability)]
    variances = [float(np.mean(p * (1 - p))) / len(p) for p in groups]
    sizes = [len(p) for p in groups]
    return float(np.average(np.sqrt(2 * np.array(variances) / np.pi), weights=sizes))


def calibration_intercept(y: NDArray[np.int8], probability: NDArray[np.float64]) -> float:
    """Intercept of y on the log-odds at slope 1 (calibration in the large): 0 where calibrated.

    References
    ----------
    Cox, Two further applications of a model for binary regression, Biometrika 45 (1958).
    """
    return float(_logistic([1.0], y, _log_odds(probability))[0])


def calibration_slope(y: NDArray[np.int8], probability: NDArray[np.float64]) -> float:
    """Slope of y on the log-odds, with an intercept: 1 where calibrated; Cox, as above."""
    return float(_logistic([1.0, _log_odds(probability)], y, 0.0)[1])


def _log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(probability, 1e-9, 1 - 1e-9)
    log_odds: NDArray[np.float64] = np.log(p / (1 - p))
    return log_odds


def _logistic(
    columns: Sequence[NDArray[np.float64] | float],
    y: NDArray[np.int8],
    offset: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    """Coefficients of a logistic regression with an offset, by Newton's method."""
    # Sums, not matrix products: those would start a thread per processor for two columns.
    weights = np.zeros(len(columns))
    for _ in range(NEWTON_STEPS):
        z = sum((w * c for w, c in zip(weights, columns, strict=True)), offset)
        p = 1 / (1 + np.exp(-np.clip(z, -30, 30)))
        spread = np.broadcast_to(p * (1 - p), y.shape)
        curvature = [[np.sum(a * b * spread) for b in columns] for a in columns]
        step = np.linalg.lstsq(curvature, [np.sum(c * (y - p)) for c in columns], rcond=None)[0]
        # Full steps diverge where the classes are nearly separable.
        weights = weights + np.clip(step, -2, 2)
        if np.abs(step).max() < CONVERGED:
            break
    return weights


METRICS: dict[str, Metric] = {
    "ks": ks,
    "brier": brier,
    "log_loss": log_loss,
    "calibration_error": calibration_error,
    "calibration_intercept": calibration_intercept,
    "calibration_slope": calibration_slope,
}


def _resample(y: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows drawn with replacement within each class, so that no draw lacks one."""
    share = min(1.0, DRAWN_ROWS / len(y))
    classes = [np.flatnonzero(y == label) for label in (0, 1)]
    return np.concatenate([rng.choice(rows, ceil(share * len(rows))) for rows in classes])
