"""Discrimination and calibration on held-out rows, with 95 % intervals.

Rows are counted by probability first, so no figure depends on their order, not even its last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.calibration_figures import (
    GROUPS,
    error_beside_chance,
    intercept_interval,
    slope_interval,
)
from training.evaluate.delong import area_and_error, auc_figure_of
from training.evaluate.intervals import (
    Interval,
    Withheld,
    mean_and_error,
    mean_loss_interval,
    too_few,
)
from training.evaluate.ks import ks_interval, largest_distance
from training.evaluate.score_counts import ScoreCounts
from training.evaluate.weighting import EVEN, Weighting

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from training.evaluate.intervals import Figure, Metric

    type Function = Callable[[NDArray[np.int8], NDArray[np.float64], Weighting], float | None]

SMALLEST = 1e-12


def evaluate(
    y: NDArray[np.int8], probability: NDArray[np.float64], weighting: Weighting = EVEN
) -> dict[str, Metric]:
    """All figures of a sample.

    Intervals are withheld where a class has fewer than 30 rows.

    Parameters
    ----------
    y : array of shape (n_rows,), 1 is default, both classes present
    probability : array of shape (n_rows,), probability of default
    weighting : how many rows of the population each row stands for
    """
    counts = ScoreCounts.of(y, probability, weighting)
    area = auc_figure_of(counts)
    return {
        "auc": area,
        "gini": _gini(area),
        "ks": ks_interval(counts),
        "brier": _loss(counts, *_squares(counts)),
        "log_loss": _loss(counts, *_surprises(counts)),
        "calibration_error": error_beside_chance(counts),
        "calibration_intercept": intercept_interval(counts),
        "calibration_slope": slope_interval(counts),
    }


def auc(y: NDArray[np.int8], score: NDArray[np.float64], weighting: Weighting = EVEN) -> float:
    """Area under the ROC curve; ties count one half."""
    return area_and_error(ScoreCounts.of(y, score, weighting))[0]


def ks(y: NDArray[np.int8], probability: NDArray[np.float64], weighting: Weighting = EVEN) -> float:
    """Kolmogorov-Smirnov: the largest distance between the classes' distributions."""
    return largest_distance(ScoreCounts.of(y, probability, weighting)).value


def brier(
    y: NDArray[np.int8], probability: NDArray[np.float64], weighting: Weighting = EVEN
) -> float:
    """Mean squared error of the probability."""
    counts = ScoreCounts.of(y, probability, weighting)
    return _mean_loss(counts, *_squares(counts)).value


def log_loss(
    y: NDArray[np.int8], probability: NDArray[np.float64], weighting: Weighting = EVEN
) -> float:
    """Mean negative log-likelihood; probabilities are kept within 1e-12 of 0 and 1."""
    counts = ScoreCounts.of(y, probability, weighting)
    return _mean_loss(counts, *_surprises(counts)).value


def calibration_error(
    y: NDArray[np.int8], probability: NDArray[np.float64], weighting: Weighting = EVEN
) -> float:
    """Expected calibration error over ten groups of about equally many rows."""
    return error_beside_chance(ScoreCounts.of(y, probability, weighting)).value


def calibration_groups(
    y: NDArray[np.int8], probability: NDArray[np.float64], weighting: Weighting = EVEN
) -> list[NDArray[np.int64]]:
    """Rows in ten groups of about equal weight, by rising probability; equal ones are together."""
    counts = ScoreCounts.of(y, probability, weighting)
    group = counts.groups(GROUPS)[np.searchsorted(counts.score, probability)]
    order = np.argsort(probability, kind="stable")
    return [rows for k in range(GROUPS) if len(rows := order[group[order] == k])]


def calibration_intercept(
    y: NDArray[np.int8], probability: NDArray[np.float64], weighting: Weighting = EVEN
) -> float | None:
    """Intercept of y on the log-odds at slope 1; None where it cannot be estimated."""
    return intercept_interval(ScoreCounts.of(y, probability, weighting)).value


def calibration_slope(
    y: NDArray[np.int8], probability: NDArray[np.float64], weighting: Weighting = EVEN
) -> float | None:
    """Slope of y on the log-odds, with an intercept; None where it cannot be estimated."""
    return slope_interval(ScoreCounts.of(y, probability, weighting)).value


METRICS: dict[str, Function] = {
    "ks": ks,
    "brier": brier,
    "log_loss": log_loss,
    "calibration_error": calibration_error,
    "calibration_intercept": calibration_intercept,
    "calibration_slope": calibration_slope,
}


def _gini(area: Figure) -> Figure:
    if isinstance(area, Withheld):
        return Withheld(None if area.value is None else 2 * area.value - 1, area.withheld)
    return Interval(2 * area.value - 1, 2 * area.low - 1, 2 * area.high - 1)


def _squares(counts: ScoreCounts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The squared error of a good and of a default with each probability."""
    return counts.score**2, (1 - counts.score) ** 2


def _surprises(counts: ScoreCounts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The negative log-likelihood of a good and of a default with each probability."""
    p = np.clip(counts.score, SMALLEST, 1 - SMALLEST)
    return -np.log1p(-p), -np.log(p)


def _mean_loss(
    counts: ScoreCounts, of_good: NDArray[np.float64], of_default: NDArray[np.float64]
) -> Interval:
    goods, defaults = counts.of_goods, counts.of_defaults
    if counts.weighting.default_rate is None:
        losses = np.concatenate([of_good, of_default])
        weight, squares = (
            np.concatenate([getattr(goods, name), getattr(defaults, name)])
            for name in ("weight", "squares")
        )
        mean, error = mean_and_error(losses, weight, squares, goods.rows + defaults.rows)
        return mean_loss_interval(mean, error)
    rate = counts.weighting.default_rate
    # The classes' shares are known, so the mean varies with the means of the classes alone.
    good, error_of_good = mean_and_error(of_good, goods.weight, goods.squares, goods.rows)
    bad, error_of_bad = mean_and_error(of_default, defaults.weight, defaults.squares, defaults.rows)
    error = float(np.hypot((1 - rate) * error_of_good, rate * error_of_bad))
    return mean_loss_interval((1 - rate) * good + rate * bad, error)


def _loss(
    counts: ScoreCounts, of_good: NDArray[np.float64], of_default: NDArray[np.float64]
) -> Figure:
    mean = _mean_loss(counts, of_good, of_default)
    reason = too_few(counts.n_defaults, counts.n_goods)
    return mean if reason is None else Withheld(mean.value, reason)
