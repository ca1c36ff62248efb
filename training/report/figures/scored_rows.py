"""Held-out rows with the model's scores and decisions, from which every figure is computed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from scoreline.scoring.scores import decisions, scores
from training.evaluate.tallies import tally
from training.evaluate.weighting import Weighting

if TYPE_CHECKING:
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
    probability : of default, as served, shape (n_rows,)
    default_rate : of the population; None where it is that of the rows
    unlearned : whether each row is in an unlearned state, shape (n_rows,); None for a model that
        has none
    """

    contract: Contract
    rows: Dataset
    log_odds: NDArray[np.float64]
    probability: NDArray[np.float64]
    default_rate: float | None = None
    unlearned: NDArray[np.bool_] | None = None

    @property
    def y(self) -> NDArray[np.int8]:
        """1 is default, shape (n_rows,)."""
        return self.rows.y

    @property
    def weighting(self) -> Weighting:
        """How many rows of the population each row stands for."""
        return Weighting(self.rows.weight, self.default_rate)

    @cached_property
    def weight(self) -> NDArray[np.float64]:
        """Weight of each row, shape (n_rows,)."""
        return self.weighting.of(self.y)

    def tally(self, event: NDArray[np.bool_], among: NDArray[np.bool_]) -> tuple[float, float]:
        """Number of rows with an event among some rows, and of those; see `tallies.tally`."""
        return tally(event, among, self.y, self.weighting)

    @cached_property
    def scores(self) -> NDArray[np.int64]:
        """Scores in whole points, shape (n_rows,)."""
        return scores(self.contract.score_scale, self.log_odds)

    @cached_property
    def decisions(self) -> NDArray[np.str_]:
        """The decision of each row, shape (n_rows,)."""
        return decisions(self.contract, self.scores, self.unlearned)

    @cached_property
    def may_be_approved(self) -> NDArray[np.bool_]:
        """Whether some cutoff would approve the row, shape (n_rows,)."""
        if self.unlearned is None or not self.contract.refers_unlearned:
            return np.ones(len(self.y), bool)
        return ~self.unlearned
