"""ROC, KS, gain and calibration curves and the score distribution, as points to draw."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from training.data.sampling import evenly_spaced
from training.evaluate.intervals import exact_mean, wilson
from training.evaluate.metrics import calibration_groups
from training.report.figures.rounding import rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.report.figures.scored_rows import ScoredRows

POINTS = 200
FEWEST_BARS, MOST_BARS = 10, 30
SHARES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5)


def curves(held_out: ScoredRows) -> dict[str, Any]:
    """All curves, each as columns of at most 200 points."""
    y, probability = held_out.y, held_out.probability
    return rounded(
        {
            "roc": roc(y, probability),
            "ks": ks_curve(y, held_out.scores),
            "gain": gain(y, probability),
            "calibration": reliability(y, probability),
            "scores": histogram(y, held_out.scores),
        }
    )


def roc(y: NDArray[np.int8], probability: NDArray[np.float64]) -> dict[str, Any]:
    """Share of goods and of defaults at or above each probability, from none to all.

    `at` gives the share of defaults flagged at round shares of goods wrongly flagged.
    """
    goods, defaults = _shares(y, -probability)
    return {
        "goods": _points(goods),
        "defaults": _points(defaults),
        "at": {str(share): float(np.interp(share, goods, defaults)) for share in SHARES},
    }


def ks_curve(y: NDArray[np.int8], scores: NDArray[np.int64]) -> dict[str, Any]:
    """Share of goods and of defaults at or below each score, and their largest distance."""
    values = np.unique(scores)
    goods, defaults = (share[1:] for share in _shares(y, scores))
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


def gain(y: NDArray[np.int8], probability: NDArray[np.float64]) -> dict[str, Any]:
    """Share of the defaults among the riskiest share of the rows (cumulative accuracy profile).

    `at` gives it, and the lift over chance, at round shares of the rows.
    """
    goods, defaults = _shares(y, -probability)
    rate = float(y.mean())
    rows = goods * (1 - rate) + defaults * rate
    captured = {share: float(np.interp(share, rows, defaults)) for share in SHARES}
    return {
        "rows": _points(rows),
        "defaults": _points(defaults),
        "bad_rate": rate,
        "at": {str(s): {"defaults": c, "lift": c / s} for s, c in captured.items()},
    }


def reliability(y: NDArray[np.int8], probability: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Mean probability and bad rate with Wilson's interval in ten groups of equally many rows."""
    return [
        {
            "rows": len(rows),
            "probability": exact_mean(probability[rows]),
            "bad_rate": asdict(wilson(int(y[rows].sum()), len(rows))),
        }
        for rows in calibration_groups(probability)
    ]


def histogram(y: NDArray[np.int8], scores: NDArray[np.int64]) -> dict[str, Any]:
    """Share of goods and of defaults in bars of whole points and equal width.

    The number of bars is the square root of the number of rows, within 10 to 30. The outermost
    bars hold the lowest and the highest half per cent of the scores.
    """
    # A few extreme scores would otherwise squeeze all bars together.
    low, high = np.quantile(scores, [0.005, 0.995], method="nearest").astype(int).tolist()
    bars = int(np.clip(len(y) ** 0.5, FEWEST_BARS, MOST_BARS))
    width = -(-(high - low + 1) // bars)
    edges = np.arange(low, high + width + 1, width)
    inside = np.clip(scores, edges[0], edges[-1] - 1)
    counts = {
        name: np.histogram(inside[y == label], edges)[0]
        for label, name in enumerate(("goods", "defaults"))
    }
    shares = {name: (count / count.sum()).tolist() for name, count in counts.items()}
    quantiles = (0.05, 0.25, 0.5, 0.75, 0.95)
    return {
        "edges": edges.tolist(),
        **shares,
        "quantiles": {
            name: [float(np.quantile(scores[y == label], q)) for q in quantiles]
            for label, name in enumerate(("goods", "defaults"))
        },
        "at": list(quantiles),
    }


def _shares(
    y: NDArray[np.int8], order: NDArray[np.float64] | NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cumulative shares of goods and of defaults, from 0, at each distinct value, rising."""
    rows = np.argsort(order, kind="stable")
    # A curve has no point inside a tie.
    last = np.flatnonzero(np.append(np.diff(order[rows]) != 0, True))
    goods, defaults = (np.cumsum(y[rows] == label)[last] for label in (0, 1))
    return (
        np.concatenate([[0.0], goods / goods[-1]]),
        np.concatenate([[0.0], defaults / defaults[-1]]),
    )


def _points(values: NDArray[Any]) -> list[float]:
    """At most 200 of the values, evenly spaced by position."""
    points: list[float] = values[evenly_spaced(len(values), POINTS)].tolist()
    return points
