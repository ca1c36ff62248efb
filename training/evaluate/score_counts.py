"""Goods and defaults at each distinct probability: what is counted there has no order of rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Probabilities are kept this far from 0 and 1 where their log-odds are needed.
EDGE = 1e-9


@dataclass(frozen=True)
class ScoreCounts:
    """The rows of one sample, counted.

    Attributes
    ----------
    score : distinct scores, rising, shape (n_distinct,)
    goods, defaults : numbers of rows with each of them
    """

    score: NDArray[np.float64]
    goods: NDArray[np.int64]
    defaults: NDArray[np.int64]

    @classmethod
    def of(cls, y: NDArray[np.int8], score: NDArray[np.float64]) -> ScoreCounts:
        """Count rows; scores that are equal are one."""
        distinct, position = np.unique(score, return_inverse=True)
        rows = np.bincount(position, minlength=len(distinct))
        defaults = np.bincount(position[y == 1], minlength=len(distinct))
        return cls(distinct.astype(np.float64), rows - defaults, defaults)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Number of rows with each score."""
        return self.goods + self.defaults

    @property
    def n_goods(self) -> int:
        """Number of goods."""
        return int(self.goods.sum())

    @property
    def n_defaults(self) -> int:
        """Number of defaults."""
        return int(self.defaults.sum())

    @cached_property
    def log_odds(self) -> NDArray[np.float64]:
        """Log-odds of the scores, which are probabilities."""
        p = np.clip(self.score, EDGE, 1 - EDGE)
        log_odds: NDArray[np.float64] = np.log(p / (1 - p))
        return log_odds

    def shares(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Shares of the goods and of the defaults at or below each score."""
        goods, defaults = self.goods.cumsum(), self.defaults.cumsum()
        return goods / max(goods[-1], 1), defaults / max(defaults[-1], 1)

    def groups(self, count: int) -> NDArray[np.int64]:
        """The group of each score: `count` groups of about equally many rows, numbered from 0.

        Equal scores are in one group, so there are fewer groups where many rows share a score.
        """
        upto = self.rows.cumsum()
        ends = [-(-upto[-1] * k // count) for k in range(1, count)]
        edges = np.unique(np.searchsorted(upto, ends))
        return np.searchsorted(edges, np.arange(len(self.score)))
