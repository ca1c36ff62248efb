"""ROC, KS, gain and calibration curves and the score distribution, as points to draw."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from training.data.sampling import evenly_spaced
from training.evaluate.intervals import wilson
from training.evaluate.metrics import calibration_groups
from training.evaluate.tallies import tally
from training.evaluate.weighting import EVEN, Weighting, weighted_mean, weighted_quantiles
from training.report.figures.rounding import rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.report.figures.scored_rows import ScoredRows

POINTS = 200
FEWEST_BARS, MOST_BARS = 10, 30
SHARES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5)


def curves(held_out: ScoredRows) -> dict[str, Any]:
    """All curves, each as columns of at most 200 points."""
    y, probability, weighting = held_out.y, held_out.probability, held_out.weighting
    return rounded(
        {
            "roc": roc(y, probability, weighting),
            "ks": ks_curve(y, held_out.scores, weighting),
            "gain": gain(y, probability, weighting),
            "calibration": reliability(y, probability, weighting),
            "scores": histogram(y, held_out.scores, weighting),
        }
    )


def roc(
    y: NDArray[np.int8], probability: NDArray[np.float64], weighting: Weighting = EVEN
) -> dict[str, Any]:
    """Share of goods and of defaults at or above each probability, from none to all.

    `at` gives the share of defaults flagged at round shares of goods wrongly flagged.
    """
    goods, defaults = _shares(y, -probability, weighting.of(y))
    return {
        "goods": _points(goods),
        "defaults": _points(defaults),
        "at": {str(share): float(np.interp(share, goods, defaults)) for share in SHARES},
    }


def ks_curve(
    y: NDArray[np.int8], scores: NDArray[np.int64], weighting: Weighting = EVEN
) -> dict[str, Any]:
    """Share of goods and of defaults at or below each score, and their largest distance."""
    values = np.unique(scores)
    goods, defaults = (share[1:] for share in _shares(y, scores, weighting.of(y)))
    widest = int(np.argmax(np.abs(defaults - goods)))
    return {
        "score": _points(values),
        "goods": _points(goods),
        "defaults": _points(defaults),
        "widest": {
            "score": int(values[widest]),
            "goods": float(goods[widest]),
            "defaults": float(defaults[widest]),
        },
    }


def gain(
    y: NDArray[np.int8], probability: NDArray[np.float64], weighting: Weighting = EVEN
) -> dict[str, Any]:
    """Share of the defaults among the riskiest share of the rows (cumulative accuracy profile).

    `at` gives it, and the lift over chance, at round shares of the rows.
    """
    goods, defaults = _shares(y, -probability, weighting.of(y))
    rate = weighted_mean(y, weighting.of(y))
    rows = goods * (1 - rate) + defaults * rate
    captured = {share: float(np.interp(share, rows, defaults)) for share in SHARES}
    return {
        "rows": _points(rows),
        "defaults": _points(defaults),
        "bad_rate": rate,
        "at": {str(s): {"defaults": c, "lift": c / s} for s, c in captured.items()},
    }


def reliability(
    y: NDArray[np.int8], probability: NDArray[np.float64], weighting: Weighting = EVEN
) -> list[dict[str, Any]]:
    """Mean probability and bad rate with Wilson's interval in ten groups of equal weight."""
    weight, row = weighting.of(y), np.arange(len(y))
    return [
        {
            "rows": len(rows),
            "probability": weighted_mean(probability[rows], weight[rows]),
            "bad_rate": asdict(wilson(*tally(y == 1, np.isin(row, rows), y, weighting))),
        }
        for rows in calibration_groups(y, probability, weighting)
    ]


def histogram(
    y: NDArray[np.int8], scores: NDArray[np.int64], weighting: Weighting = EVEN
) -> dict[str, Any]:
    """Share of goods and of defaults in bars of whole points and equal width.

    The number of bars is the square root of the number of rows, within 10 to 30. The outermost
    bars hold the lowest and the highest half per cent of the scores.
    """
    weight = weighting.given(y)
    of_class = {"goods": y == 0, "defaults": y == 1}
    weights = {name: None if weight is None else weight[rows] for name, rows in of_class.items()}
    # A few extreme scores would otherwise squeeze all bars together.
    low, high = np.quantile(scores, [0.005, 0.995], method="nearest").astype(int).tolist()
    bars = int(np.clip(len(y) ** 0.5, FEWEST_BARS, MOST_BARS))
    width = -(-(high - low + 1) // bars)
    edges = np.arange(low, high + width + 1, width)
    inside = np.clip(scores, edges[0], edges[-1] - 1)
    counts = {
        name: np.histogram(inside[rows], edges, weights=weights[name])[0]
        for name, rows in of_class.items()
    }
    shares = {name: (count / count.sum()).tolist() for name, count in counts.items()}
    quantiles = (0.05, 0.25, 0.5, 0.75, 0.95)
    return {
        "edges": edges.tolist(),
        **shares,
        "quantiles": {
            name: weighted_quantiles(scores[rows], quantiles, weights[name]).tolist()
            for name, rows in of_class.items()
        },
        "at": list(quantiles),
    }


def _shares(
    y: NDArray[np.int8],
    order: NDArray[np.float64] | NDArray[np.int64],
    weight: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cumulative shares of goods and of defaults, from 0, at each distinct value, rising."""
    rows = np.argsort(order, kind="stable")
    # A curve has no point inside a tie.
    last = np.flatnonzero(np.append(np.diff(order[rows]) != 0, True))
    goods, defaults = (
        np.cumsum(np.where(y[rows] == label, weight[rows], 0.0))[last] for label in (0, 1)
    )
    return (
        np.concatenate([[0.0], goods / goods[-1]]),
        np.concatenate([[0.0], defaults / defaults[-1]]),
    )


def _points(values: NDArray[Any]) -> list[float]:
    """At most 200 of the values, evenly spaced by position."""
    points: list[float] = values[evenly_spaced(len(values), POINTS)].tolist()
    return points
