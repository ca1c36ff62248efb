"""Score bands with their bad rates, and the effect of a cutoff at each of them."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np

from training.evaluate.intervals import wilson
from training.evaluate.weighting import exact_sum, weighted_mean
from training.report.figures.rounding import rounded
from training.report.figures.scored_rows import MIN_GROUP_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from training.report.figures.scored_rows import ScoredRows

BANDS = 12


def score_bands(held_out: ScoredRows) -> list[dict[str, Any]]:
    """Bands of equal width, the best first; bands of under 30 rows are merged with a neighbour.

    Every cutoff of the definition is an edge, so no band spans a cutoff. `approved` and
    `approved_bad_rate` are the share and the bad rate of the rows in this band and those above.
    Rows and defaults are counted, and all shares and rates are of the population. Rows that are
    referred for an unlearned state, whatever their score, come last; they have no `low` and `high`.
    """
    decided = held_out.may_be_approved
    found = []
    for low, high in _ranges(held_out, decided):
        above = decided & (held_out.scores >= low)
        found.append(_band(held_out, above & (held_out.scores < high), above, (low, high - 1)))
    if not decided.all():
        found.append(_band(held_out, ~decided, np.ones_like(decided), (None, None)))
    return rounded(found)


def _ranges(held_out: ScoredRows, decided: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Lowest score of each band, and the one after its highest; the best band first."""
    contract, scores = held_out.contract, held_out.scores[decided]
    if not len(scores):
        return
    cutoffs = [band.min_score for band in contract.bands if band.min_score is not None]
    edges = merged(scores, band_edges(scores, cutoffs, contract.score_scale.pdo), cutoffs)
    yield from reversed([*pairwise(edges.tolist())])


def _band(
    held_out: ScoredRows,
    inside: NDArray[np.bool_],
    above: NDArray[np.bool_],
    ends: tuple[int | None, int | None],
) -> dict[str, Any]:
    """Figures of the rows `inside` a band, and of those in it and `above` it."""
    default, weight = held_out.y == 1, held_out.weight
    total = exact_sum(weight)
    low, high = ends
    return {
        "low": low,
        "high": high,
        "decision": str(held_out.decisions[inside][0]),
        "rows": int(inside.sum()),
        "share": exact_sum(weight[inside]) / total,
        "defaults": int((default & inside).sum()),
        "bad_rate": asdict(wilson(*held_out.tally(default, inside))),
        "probability": weighted_mean(held_out.probability[inside], weight[inside]),
        "approved": exact_sum(weight[above]) / total,
        "approved_bad_rate": weighted_mean(default[above], weight[above]),
    }


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
