"""Weights of rows: how many rows of the population each row of a dataset stands for."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING

import numpy as np

from scoreline.core.errors import DatasetError
from training.data.columns import numbers

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from training.data.exclusions import Exclusions

# A row that outweighs others by more would decide every figure alone.
MAX_RATIO = 1e6


def row_weights(column: str, table: pa.Table, exclusions: Exclusions) -> NDArray[np.float64] | None:
    """The weights as they are in the column, shape (n_rows,); None without a column.

    Rows with a weight of 0 or without one are left out.

    Raises
    ------
    DatasetError
        A weight is below 0 or infinite, or the column holds text.
    """
    if not column:
        return None
    weights = numbers(table, column, "number")
    invalid = int(((weights < 0) | np.isinf(weights)).sum())
    if invalid:
        raise DatasetError(f"{column}: {invalid:,} rows have a weight below 0 or infinite")
    exclusions.exclude(np.isnan(weights), f"{column}: the weight is missing")
    exclusions.exclude(weights == 0, f"{column}: the weight is 0")
    return weights


def relative_weights(column: str, weights: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The weights of the rows that are kept, with mean 1; None where all are equal.

    Raises
    ------
    DatasetError
        The largest weight is over a million times the smallest.
    """
    if not len(weights) or weights.min() == weights.max():
        return None
    if weights.max() > MAX_RATIO * weights.min():
        raise DatasetError(
            f"{column}: the largest weight is over {MAX_RATIO:,.0f} times the smallest"
        )
    scaled = weights / weights.max()
    # An exact sum is the same in every order of the rows.
    relative: NDArray[np.float64] = scaled / (fsum(scaled.tolist()) / len(scaled))
    return relative
