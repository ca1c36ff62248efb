"""Random values, ids and tables of invented customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FIRST_ID = 100_001


class Draw:
    """Draws one value for each of a number of rows."""

    def __init__(self, rng: np.random.Generator, rows: int) -> None:
        self.rng = rng
        self.rows = rows

    def chance(self, probability: NDArray[np.float64] | float) -> NDArray[np.bool_]:
        """True with a probability."""
        return self.rng.random(self.rows) < probability

    def days(self, first: int, last: int) -> NDArray[np.int64]:
        """Whole numbers of a closed range."""
        return self.rng.integers(first, last, self.rows, endpoint=True)

    def between(self, low: float, high: float) -> NDArray[np.float64]:
        """Numbers of a range."""
        return self.rng.uniform(low, high, self.rows)

    def one_of(self, shares: Mapping[str, float]) -> NDArray[Any]:
        """Texts with their shares."""
        return self.rng.choice(list(shares), self.rows, p=list(shares.values()))

    def score(self, log_odds: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
        """A number from 0 to 1, scattered around the probability for the log-odds."""
        return sigmoid(log_odds + self.rng.normal(0, noise, self.rows))

    def some(self, values: NDArray[Any], share: float) -> NDArray[np.object_]:
        """A share of the values; the others are missing."""
        return where(self.chance(share), values)


def children(
    rng: np.random.Generator, parents: NDArray[np.int64], mean: float
) -> NDArray[np.int64]:
    """The parent of each child; parents have `mean` children on average."""
    return np.repeat(parents, rng.poisson(mean, len(parents)))


def runs(lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Run and place in the run, from 0, of each element of runs of these lengths."""
    run = np.repeat(np.arange(len(lengths)), lengths)
    return run, np.arange(len(run)) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def unique_ids(first: int, count: int) -> NDArray[np.int64]:
    """Ids that no other chunk has, as long as a customer has fewer than 100 of a kind."""
    return 100 * (FIRST_ID + first) + np.arange(count)


def where(given: NDArray[np.bool_], values: NDArray[Any]) -> NDArray[np.object_]:
    """The values where they are given; the others are missing."""
    objects = values.astype(object)
    objects[~given] = None
    return objects


def sigmoid(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability for log-odds."""
    return np.asarray(1 / (1 + np.exp(-log_odds)), np.float64)


def table(**columns: NDArray[Any]) -> pa.Table:
    """Columns as a table; None becomes null."""
    return pa.table({name: pa.array(values.tolist()) for name, values in columns.items()})
