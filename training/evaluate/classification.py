"""Decisions as a classification: a declined applicant counts as a predicted default."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.scoring.scores import decisions, scores
from training.evaluate.intervals import Interval, wilson
from training.evaluate.tallies import tally
from training.evaluate.weighting import EVEN, Weighting, exact_sum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scoreline.core.contract import Contract


def classification(
    contract: Contract,
    log_odds: NDArray[np.float64],
    y: NDArray[np.int8],
    weighting: Weighting = EVEN,
    *,
    unlearned: NDArray[np.bool_] | None = None,
) -> dict[str, Any] | None:
    """Accuracy, precision, recall and F1 of the last band's decision; None for a single band.

    Parameters
    ----------
    log_odds : calibrated, of default, shape (n_rows,)
    y : shape (n_rows,), 1 is default
    weighting : how many rows of the population each row stands for
    unlearned : whether each row is in an unlearned state, shape (n_rows,)

    Returns
    -------
    The decision, its cutoff, the confusion counts and the figures. Precision is None where nobody
    gets the decision.
    """
    *better, last = contract.bands
    cutoff = better[-1].min_score if better else None
    if cutoff is None:
        return None
    found = scores(contract.score_scale, log_odds)
    flagged = decisions(contract, found, unlearned) == last.decision
    figures = {
        name: interval and asdict(interval)
        for name, interval in figures_of(flagged, y, weighting).items()
    }
    counts = confusion_counts(flagged, y, weighting)
    return {"decision": last.decision, "below_score": cutoff, **counts, **figures}


def confusion_counts(
    flagged: NDArray[np.bool_], y: NDArray[np.int8], weighting: Weighting = EVEN
) -> dict[str, int]:
    """True and false positives and negatives; a positive is a row that is flagged.

    Weighted rows are counted by weight, to the nearest number; the mean weight counts 1.
    """
    weight = weighting.of(y)
    one = exact_sum(weight) / len(weight)
    cells = {
        "true_positives": flagged & (y == 1),
        "false_positives": flagged & (y == 0),
        "true_negatives": ~flagged & (y == 0),
        "false_negatives": ~flagged & (y == 1),
    }
    return {name: round(exact_sum(weight[rows]) / one) for name, rows in cells.items()}


def figures_of(
    flagged: NDArray[np.bool_], y: NDArray[np.int8], weighting: Weighting = EVEN
) -> dict[str, Interval | None]:
    """Figures of rows of both classes, with Wilson's intervals.

    F1 is 2 J / (1 + J), where J is a proportion: that of the true positives among the rows that
    are flagged, defaults or both. It rises with J, so the ends of the interval are those of J.
    """
    default = y == 1

    def share(event: NDArray[np.bool_], among: NDArray[np.bool_]) -> Interval:
        return wilson(*tally(event, among, y, weighting))

    jaccard = share(flagged & default, flagged | default)
    return {
        "accuracy": share(flagged == default, np.ones(len(y), bool)),
        "precision": share(default, flagged) if flagged.any() else None,
        "recall": share(flagged, default),
        "f1": Interval(*(2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high))),
    }
