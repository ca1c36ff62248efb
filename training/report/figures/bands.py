"""Score bands with their bad rates, and the effect of a cutoff at each of them."""

from __future__ import annotations

from dataclasses import asdict
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np

from training.evaluate.intervals import wilson
from training.evaluate.weighting import exact_sum, weighted_mean
from training.report.figures.rounding import rounded
from training.report.figures.scored_rows import MIN_GROUP_ROWS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.report.figures.scored_rows import ScoredRows

BANDS = 12


def score_bands(held_out: ScoredRows) -> list[dict[str, Any]]:
    """Bands of equal width, the best first; bands of under 30 rows are merged with a neighbour.

    Every cutoff of the definition is an edge, so no band spans a cutoff. `approved` and
    `approved_bad_rate` are the share and the bad rate of the rows in this band and those above.
    Rows and defaults are counted, and all shares and rates are of the population. Rows that are
    referred whatever their score are in no band.
    """
    decided = held_out.may_be_approved
    if not decided.any():
        return []
    scores, default, decisions = held_out.scores, held_out.y == 1, held_out.decisions
    weight = held_out.weight
    total = exact_sum(weight)
    cutoffs = [band.min_score for band in held_out.contract.bands if band.min_score is not None]
    edges = _edges(scores[decided], cutoffs, held_out.contract.score_scale.pdo)
    bands = []
    for low, high in zip(edges[-2::-1], edges[:0:-1], strict=True):
        inside, above = decided & (scores >= low) & (scores < high), decided & (scores >= low)
        bands.append(
            {
                "low": int(low),
                "high": int(high) - 1,
                "decision": str(decisions[inside][0]),
                "rows": int(inside.sum()),
                "share": exact_sum(weight[inside]) / total,
                "defaults": int((default & inside).sum()),
                "bad_rate": asdict(wilson(*held_out.tally(default, inside))),
                "probability": weighted_mean(held_out.probability[inside], weight[inside]),
                "approved": exact_sum(weight[above]) / total,
                "approved_bad_rate": weighted_mean(default[above], weight[above]),
            }
        )
    return rounded(bands)


def referred(held_out: ScoredRows) -> dict[str, Any] | None:
    """The rows that are referred for an unlearned state, whatever their score, if there are any.

    Fewer than 30 rows have no bad rate.
    """
    rows = ~held_out.may_be_approved
    if not rows.any():
        return None
    count = int(rows.sum())
    rate = wilson(*held_out.tally(held_out.y == 1, rows)) if count >= MIN_GROUP_ROWS else None
    found = {
        "rows": count,
        "share": exact_sum(held_out.weight[rows]) / exact_sum(held_out.weight),
        "bad_rate": rate and asdict(rate),
    }
    return rounded(found)


def _edges(scores: NDArray[np.int64], cutoffs: list[int], pdo: float) -> NDArray[np.int64]:
    return merged(scores, band_edges(scores, cutoffs, pdo), cutoffs)


def band_edges(scores: NDArray[np.int64], cutoffs: list[int], pdo: float) -> NDArray[np.int64]:
    """Edges from the lowest score to above the highest: multiples of a width, and the cutoffs.

    The width is half the points that double the odds, or the multiple of it that gives at most 12
    bands.
    """
    low, high = int(scores.min()), int(scores.max()) + 1
    step = max(pdo / 2, 1)
    width = step * max(ceil((high - low) / step / BANDS), 1)
    # Multiples of the width, so that bands of two versions are comparable.
    inner = np.arange(floor(low / width) + 1, ceil(high / width)) * width
    inside = [cutoff for cutoff in cutoffs if low < cutoff < high]
    return np.unique(np.concatenate([[low, high], np.rint(inner), inside])).astype(np.int64)


def merged(
    scores: NDArray[np.int64], edges: NDArray[np.int64], cutoffs: list[int]
) -> NDArray[np.int64]:
    """The edges without those of bands under 30 rows; cutoffs stay unless their band is empty."""
    ordered = np.sort(scores)

    def count(low: int, high: int) -> int:
        return int(np.diff(np.searchsorted(ordered, [low, high]))[0])

    kept = [int(edges[0])]
    for edge in edges[1:-1].tolist():
        # A later edge may still go, but a cutoff stays: the band may grow up to it.
        next_fixed = min(c for c in (*cutoffs, int(edges[-1])) if c > edge)
        fewest = min(count(kept[-1], edge), count(edge, next_fixed))
        if fewest >= (1 if edge in cutoffs else MIN_GROUP_ROWS):
            kept.append(edge)
    return np.array([*kept, int(edges[-1])])
