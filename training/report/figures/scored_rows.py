"""Held-out rows with the model's scores and decisions, from which every figure is computed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from scoreline.scoring.scores import decisions, scores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from scoreline.core.contract import Contract
    from training.data.dataset import Dataset

# Smaller groups get no figures: those would say more about persons than about groups.
MIN_GROUP_ROWS = 30
SEED = 1


@dataclass(frozen=True)
class ScoredRows:
    """Rows that were not used in fitting, with the answers they get.

    Attributes
    ----------
    log_odds : calibrated, of default, as served, shape (n_rows,)
    probability : of default at the sample's own default rate, shape (n_rows,)
    """

    contract: Contract
    rows: Dataset
    log_odds: NDArray[np.float64]
    probability: NDArray[np.float64]

    @property
    def y(self) -> NDArray[np.int8]:
        """1 is default, shape (n_rows,)."""
        return self.rows.y

    @cached_property
    def scores(self) -> NDArray[np.int64]:
        """Scores in whole points, shape (n_rows,)."""
        return scores(self.contract.score_scale, self.log_odds)

    @cached_property
    def decisions(self) -> NDArray[np.str_]:
        """The decision of each row, shape (n_rows,)."""
        return decisions(self.contract, self.scores)
