"""Champion and challenger on the same held-out rows, which neither was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.calibration import sigmoid
from training.delong import compare_auc
from training.evaluation import (
    CONFIDENCE,
    METRICS,
    RESAMPLES,
    SEED,
    Interval,
    auc_interval,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a challenger does beside the champion.

    Attributes
    ----------
    champion : its version
    rows, defaults : what both were scored on
    known : rows of the test set that the champion was trained on and that were left out
    recorded : whether it is known which rows the champion was trained on
    auc : "champion" and "challenger" -> DeLong's interval
    difference, p_value : AUC of the challenger less that of the champion, DeLong's paired test
    bootstrap : the same difference with the percentile interval of the paired bootstrap
    metrics : "champion" and "challenger" -> Brier score, KS and so on, of the answers as served
    """

    champion: str
    rows: int
    defaults: int
    known: int
    recorded: bool
    auc: dict[str, Interval]
    difference: Interval
    p_value: float
    bootstrap: Interval
    metrics: dict[str, dict[str, float]]

    @property
    def low(self) -> float:
        """The lower end of both intervals of the difference."""
        return min(self.difference.low, self.bootstrap.low)


def compare_versions(
    version: str,
    y: NDArray[np.int8],
    champion: NDArray[np.float64],
    challenger: NDArray[np.float64],
    *,
    known: int,
    recorded: bool,
) -> Comparison:
    """Compare log-odds of the same rows, with both classes among them.

    Parameters
    ----------
    y, champion, challenger : shape (n_rows,)
    """
    scored = {"champion": champion, "challenger": challenger}
    test = compare_auc(y, challenger, champion)
    return Comparison(
        champion=version,
        rows=len(y),
        defaults=int(y.sum()),
        known=known,
        recorded=recorded,
        auc={name: auc_interval(y, log_odds) for name, log_odds in scored.items()},
        difference=test.difference,
        p_value=test.p_value,
        bootstrap=bootstrap_difference(y, challenger, champion),
        metrics={
            name: {key: metric(y, sigmoid(log_odds)) for key, metric in METRICS.items()}
            for name, log_odds in scored.items()
        },
    )


def bootstrap_difference(
    y: NDArray[np.int8], first: NDArray[np.float64], second: NDArray[np.float64]
) -> Interval:
    """AUC of the first less that of the second, with the paired bootstrap's percentile interval.

    Rows are drawn with replacement within each class; both models get the same draws.
    """
    ranks = [np.unique(scores, return_inverse=True)[1] for scores in (first, second)]
    defaults, goods = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    rng = np.random.default_rng(SEED)
    drawn = [
        _difference(ranks, rng.choice(defaults, len(defaults)), rng.choice(goods, len(goods)))
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(_difference(ranks, defaults, goods), float(low), float(high))


def _difference(
    ranks: list[NDArray[np.int64]], defaults: NDArray[np.int64], goods: NDArray[np.int64]
) -> float:
    ours, theirs = (_area(ranked, defaults, goods) for ranked in ranks)
    return ours - theirs


def _area(
    ranked: NDArray[np.int64], defaults: NDArray[np.int64], goods: NDArray[np.int64]
) -> float:
    """AUC of drawn rows, in time that grows with their number alone; ties count one half."""
    below = np.bincount(ranked[goods], minlength=int(ranked.max()) + 1)
    under = below.cumsum() - below / 2
    return float(under[ranked[defaults]].mean() / len(goods))
