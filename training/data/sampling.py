"""Positions of fewer rows than there are: evenly spaced, drawn at random, or drawn by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import train_test_split

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEED = 1


def evenly_spaced(count: int, limit: int) -> NDArray[np.int64]:
    """Positions of at most `limit` of `count` rows, evenly spaced from the first to the last.

    Examples
    --------
    >>> evenly_spaced(10, 4).tolist(), evenly_spaced(3, 4).tolist()
    ([0, 3, 6, 9], [0, 1, 2])
    """
    if count <= limit:
        return np.arange(count)
    return np.linspace(0, count - 1, limit).astype(np.int64)


def drawn(count: int, limit: int, seed: int = SEED) -> NDArray[np.int64]:
    """Rising positions of at most `limit` of `count` rows, drawn without replacement."""
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, limit, replace=False))


def drawn_by_class(y: NDArray[np.int8], limit: int, seed: int = SEED) -> NDArray[np.int64]:
    """Positions of at most `limit` rows, drawn with the shares of the classes in `y`."""
    rows = np.arange(len(y))
    if len(y) <= limit:
        return rows
    chosen, _ = train_test_split(rows, train_size=limit, random_state=seed, stratify=y)
    return np.asarray(chosen)
