"""Goods and defaults at each distinct probability: what is counted there has no order of rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.weighting import EVEN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.evaluate.weighting import Weighting

# Probabilities are kept this far from 0 and 1 where their log-odds are needed.
EDGE = 1e-9
# A group ends where its share is reached but for the rounding of the weights.
ROUNDING = 1e-12


@dataclass(frozen=True)
class ClassCounts:
    """The rows of one class.

    Attributes
    ----------
    rows : number of rows
    weight, squares : sums of the weights, and of their squares, at each distinct score
    factor : of the weights, by which the class has its share of the population
    """

    rows: int
    weight: NDArray[np.float64]
    squares: NDArray[np.float64]
    factor: float


@dataclass(frozen=True)
class ScoreCounts:
    """The rows of one sample, counted; a row of an unweighted sample counts 1.

    Attributes
    ----------
    score : distinct scores, rising, shape (n_distinct,)
    of_goods, of_defaults : the classes
    weighting : of the rows
    """

    score: NDArray[np.float64]
    of_goods: ClassCounts
    of_defaults: ClassCounts
    weighting: Weighting

    @classmethod
    def of(
        cls, y: NDArray[np.int8], score: NDArray[np.float64], weighting: Weighting = EVEN
    ) -> ScoreCounts:
        """Count rows; scores that are equal are one."""
        distinct, position = np.unique(score, return_inverse=True)
        weight = weighting.own(len(y))
        if weighting.weight is not None:  # sums of fractions depend on their order
            order = np.lexsort((weight, position))
            position, weight, y = position[order], weight[order], y[order]

        def sums(of_row: NDArray[np.float64]) -> list[NDArray[np.float64]]:
            return [np.bincount(position[y == k], of_row[y == k], len(distinct)) for k in (0, 1)]

        weights, squares = sums(weight), sums(weight**2)
        factors = weighting.factors(*(float(of_class.sum()) for of_class in weights))
        goods, defaults = (
            ClassCounts(
                int(np.sum(y == k)),
                factors[k] * weights[k],
                factors[k] ** 2 * squares[k],
                factors[k],
            )
            for k in (0, 1)
        )
        return cls(distinct.astype(np.float64), goods, defaults, weighting)

    @property
    def goods(self) -> NDArray[np.float64]:
        """Weight of the goods with each score."""
        return self.of_goods.weight

    @property
    def defaults(self) -> NDArray[np.float64]:
        """Weight of the defaults with each score."""
        return self.of_defaults.weight

    @cached_property
    def rows(self) -> NDArray[np.float64]:
        """Weight of the rows with each score."""
        return self.goods + self.defaults

    @property
    def n_goods(self) -> int:
        """Number of goods."""
        return self.of_goods.rows

    @property
    def n_defaults(self) -> int:
        """Number of defaults."""
        return self.of_defaults.rows

    @cached_property
    def log_odds(self) -> NDArray[np.float64]:
        """Log-odds of the scores, which are probabilities."""
        p = np.clip(self.score, EDGE, 1 - EDGE)
        log_odds: NDArray[np.float64] = np.log(p / (1 - p))
        return log_odds

    def shares(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Shares of the goods and of the defaults at or below each score."""
        goods, defaults = self.goods.cumsum(), self.defaults.cumsum()
        return goods / (goods[-1] or 1), defaults / (defaults[-1] or 1)

    def groups(self, count: int) -> NDArray[np.int64]:
        """The group of each score: `count` groups of about equal weight, numbered from 0.

        Equal scores are in one group, so there are fewer groups where many rows share a score.
        """
        upto = self.rows.cumsum()
        ends = upto[-1] * np.arange(1, count) / count * (1 - ROUNDING)
        edges = np.unique(np.searchsorted(upto, ends))
        return np.searchsorted(edges, np.arange(len(self.score)))
