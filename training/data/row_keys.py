"""Short keys of the values of rows: rows with equal values have equal keys."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LAST = np.uint64(0xBF58476D1CE4E5B9)  # the first multiplier of SplitMix64's finalizer
_HALF = np.uint64(32)


def row_keys(X: NDArray[np.float32]) -> NDArray[np.uint32]:
    """A key of each row's values, shape (n_rows,); two rows share a key by 1 in 4 billion.

    It is the upper half of the row's hash.
    """
    return (row_hashes(X) >> _HALF).astype(np.uint32)


def row_hashes(X: NDArray[np.float32]) -> NDArray[np.uint64]:
    """A multilinear hash of each row: its bits times odd numbers modulo 2^64, mixed once."""
    keys = np.zeros(len(X), np.uint64)
    for position, column in enumerate(X.T):
        # One NaN, and + 0 turns -0 into 0, so that equal values have equal bits.
        values = np.where(np.isnan(column), np.float32(np.nan), column + np.float32(0))
        keys += values.view(np.uint32).astype(np.uint64) * _odd(position)
    hashes: NDArray[np.uint64] = (keys ^ (keys >> _HALF)) * _LAST
    return hashes


def _odd(position: int) -> np.uint64:
    return np.uint64(int.from_bytes(sha256(str(position).encode()).digest()[:8], "little") | 1)
