"""Champion and challenger on the same held-out rows, which neither was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.evaluate.delong import auc_interval, compare_auc
from training.evaluate.metrics import METRICS
from training.evaluate.score_counts import ScoreCounts
from training.evaluate.weighting import EVEN, Weighting
from training.fit.calibration import sigmoid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from training.evaluate.intervals import Interval
    from training.incumbents.swap_set import SwapSet


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Performance of a challenger and of the champion on the same rows.

    Attributes
    ----------
    champion : its version
    rows, defaults : numbers of rows that both scored, and of defaults among them
    known : test rows that were left out because the champion was trained on them
    known_rows : how the champion's training rows were recognized, as the end of a sentence
    auc : "champion" and "challenger" -> DeLong's interval
    difference, p_value : AUC of the challenger less that of the champion, DeLong's paired test
    metrics : "champion" and "challenger" -> Brier score, KS and so on, of the answers as served
    swap_set : whom each of them approves
    """

    champion: str
    rows: int
    defaults: int
    known: int
    known_rows: str
    auc: dict[str, Interval]
    difference: Interval
    p_value: float
    metrics: dict[str, dict[str, float | None]]
    swap_set: SwapSet | None = None


def compare_on_same_rows(
    champion_version: str,
    y: NDArray[np.int8],
    champion: NDArray[np.float64],
    challenger: NDArray[np.float64],
    weighting: Weighting = EVEN,
    *,
    known: int,
    known_rows: str,
) -> PairedComparison:
    """Compare two versions' log-odds of the same rows, which include both classes.

    Parameters
    ----------
    y, champion, challenger : shape (n_rows,)
    weighting : how many rows of the population each row stands for
    """
    scored = {"champion": champion, "challenger": challenger}
    test = compare_auc(y, challenger, champion, weighting)
    return PairedComparison(
        champion=champion_version,
        rows=len(y),
        defaults=int(y.sum()),
        known=known,
        known_rows=known_rows,
        auc={name: auc_interval(ScoreCounts.of(y, s, weighting)) for name, s in scored.items()},
        difference=test.difference,
        p_value=test.p_value,
        metrics={
            name: {key: metric(y, sigmoid(log_odds), weighting) for key, metric in METRICS.items()}
            for name, log_odds in scored.items()
        },
    )
