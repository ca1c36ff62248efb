"""Decisions as a classification: a declined applicant counts as a predicted default."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from scoreline.scoring.scores import scores
from training.evaluate.intervals import Interval, wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from scoreline.core.contract import Contract


def classification(
    contract: Contract, log_odds: NDArray[np.float64], y: NDArray[np.int8]
) -> dict[str, Any] | None:
    """Accuracy, precision, recall and F1 of the last band's decision; None for a single band.

    Parameters
    ----------
    log_odds : calibrated, of default, shape (n_rows,)
    y : shape (n_rows,), 1 is default

    Returns
    -------
    The decision, its cutoff, the confusion counts and the figures. Precision is None where nobody
    gets the decision.
    """
    *better, last = contract.bands
    cutoff = better[-1].min_score if better else None
    if cutoff is None:
        return None
    counts = confusion_counts(scores(contract.score_scale, log_odds) < cutoff, y)
    figures = {
        name: interval and asdict(interval) for name, interval in figures_of(**counts).items()
    }
    return {"decision": last.decision, "below_score": cutoff, **counts, **figures}


def confusion_counts(flagged: NDArray[np.bool_], y: NDArray[np.int8]) -> dict[str, int]:
    """True and false positives and negatives; a positive is a row that is flagged."""
    return {
        "true_positives": int((flagged & (y == 1)).sum()),
        "false_positives": int((flagged & (y == 0)).sum()),
        "true_negatives": int((~flagged & (y == 0)).sum()),
        "false_negatives": int((~flagged & (y == 1)).sum()),
    }


def figures_of(
    true_positives: int, false_positives: int, true_negatives: int, false_negatives: int
) -> dict[str, Interval | None]:
    """Figures of the counts, where both classes are present, with Wilson's intervals.

    F1 is 2 J / (1 + J), where J is a proportion: that of the true positives among the rows that
    are flagged, defaults or both. It rises with J, so the ends of the interval are those of J.
    """
    defaults, goods = true_positives + false_negatives, true_negatives + false_positives
    jaccard = wilson(true_positives, defaults + false_positives)
    flagged = true_positives + false_positives
    return {
        "accuracy": wilson(true_positives + true_negatives, defaults + goods),
        "precision": wilson(true_positives, flagged) if flagged else None,
        "recall": wilson(true_positives, defaults),
        "f1": Interval(*(2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high))),
    }
