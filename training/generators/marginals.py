"""Draws columns of invented data, each from a table of equally likely values.

A table lookup takes a few nanoseconds for any distribution, so tens of millions of rows take
seconds. Tails beyond one in 65,536 are lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import DTypeLike, NDArray

    type Columns = dict[str, NDArray[Any]]

LEVELS = 2**16
_SHARES = (np.arange(LEVELS) + 0.5) / LEVELS


@dataclass(frozen=True, slots=True)
class Marginal:
    """LEVELS equally likely values of a column; for a category its codes, and their names."""

    values: NDArray[Any]
    names: tuple[str, ...] = ()


def quantiles(
    distribution: Any, low: float, high: float, dtype: DTypeLike = np.float32
) -> Marginal:
    """A distribution of scipy.stats within a closed range, rounded where dtype is an integer."""
    values = np.clip(distribution.ppf(_SHARES), low, high)
    return Marginal((np.rint(values) if np.issubdtype(dtype, np.integer) else values).astype(dtype))


def choice(shares: Mapping[str, float]) -> Marginal:
    """Categories with their shares, which need not sum to 1.

    Examples
    --------
    >>> choice({"own": 3, "rent": 1}).values.mean()
    np.float64(0.25)
    """
    weights = np.array(list(shares.values()))
    ends = np.cumsum(weights / weights.sum())[:-1]
    return Marginal(np.searchsorted(ends, _SHARES).astype(np.int8), tuple(shares))


def draw(rng: np.random.Generator, marginals: Mapping[str, Marginal], rows: int) -> Columns:
    """Independent columns of shape (rows,); categories as codes."""
    levels = rng.integers(0, LEVELS, (len(marginals), rows), dtype=np.uint16)
    return {
        name: marginal.values.take(level)
        for (name, marginal), level in zip(marginals.items(), levels, strict=True)
    }


def draw_events(rng: np.random.Generator, log_odds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether an event with these log-odds happens, drawn for each element."""
    return rng.random(log_odds.shape) < 1 / (1 + np.exp(-log_odds))


def to_table(columns: Columns, marginals: Mapping[str, Marginal]) -> pa.Table:
    """The columns as a table; NaN becomes null, and codes become names of categories."""
    return pa.table({name: _array(v, marginals.get(name)) for name, v in columns.items()})


def _array(values: NDArray[Any], marginal: Marginal | None) -> pa.Array:
    array = pa.array(values, from_pandas=True)
    if marginal is None or not marginal.names:
        return array
    return pa.DictionaryArray.from_arrays(array, pa.array(marginal.names))
