"""Folds to validate on, the same way for calibration, tuning and the comparison of algorithms."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import StratifiedKFold

from scoreline.core.errors import DatasetError
from training.data.units import places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from training.data.dataset import Dataset

    # Positions of the rows to fit on, and of those that are held out.
    type Fold = tuple[NDArray[np.int64], NDArray[np.int64]]

# Of these, the calibration of a fit holds out two, and chooses its method on the last.
MIN_TIMES = 3


def draw_folds(rows: Dataset, count: int, seed: int, *, nested: bool = False) -> list[Fold]:
    """Folds of rows with one label; no unit of rows is on both sides of a fold.

    Rows with a time go forward: each fold holds out a block of times and fits on what came before,
    so the first block is never held out. Where there are few times, there are fewer folds than
    `count`. Rows of a unit that is held out are left out of what came before.

    Parameters
    ----------
    nested : whether folds will be drawn once more from the rows to fit on, which takes three times

    Raises
    ------
    DatasetError
        The rows are too few: a side of a fold would hold one class only.
    """
    if rows.time is not None:
        folds = list(_forward(rows, rows.time, count, MIN_TIMES if nested else 1))
    else:
        folds = _at_random(rows, count, seed)
    for fold in folds:
        if not all(0 < rows.y[side].sum() < len(side) for side in fold):
            raise DatasetError(f"with {count} folds, a side of one would hold one class only")
    return folds


def _at_random(rows: Dataset, count: int, seed: int) -> list[Fold]:
    smallest = int(np.bincount(rows.y, minlength=2).min())
    if smallest < count:
        raise DatasetError(
            f"{smallest} training rows of one class are too few for {count} folds, which take"
            f" {count}"
        )
    if rows.unit is None:
        splitter = StratifiedKFold(count, shuffle=True, random_state=seed)
        return list(splitter.split(rows.y, rows.y))
    number = (count * places(rows.unit, rows.y, seed)).astype(int)
    return [(np.flatnonzero(number != k), np.flatnonzero(number == k)) for k in range(count)]


def _forward(
    rows: Dataset, time: NDArray[np.float64], count: int, min_times: int
) -> Iterator[Fold]:
    rarer = rows.y == (2 * rows.y.sum() <= len(rows.y))
    block = _blocks(time, rarer, count + 1)
    n_times = [len(np.unique(time[rarer & (block < k)])) for k in range(block.max() + 1)]
    if n_times[-1] < min_times:
        raise DatasetError(
            "split.column: the training rows have too few times for folds that go forward; rows of"
            f" both classes are needed at {MIN_TIMES} times"
        )
    for number in range(bisect_left(n_times, min_times), len(n_times)):
        earlier, held_out = block < number, block == number
        if rows.unit is not None:
            earlier &= ~np.isin(rows.unit, rows.unit[held_out])
        yield np.flatnonzero(earlier), np.flatnonzero(held_out)


def _blocks(time: NDArray[np.float64], rarer: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    """Number of each row's block, from 0, the earliest; rows of one time share a block.

    The blocks hold about equally many rows of the rarer class. There are fewer than `count` where
    times are few.
    """
    times, position = np.unique(time, return_inverse=True)
    own = np.bincount(position, weights=rarer, minlength=len(times))
    numbers = (count * (np.cumsum(own) - own / 2) / own.sum()).astype(int)
    # A time without rows of the rarer class joins the block before it, or the first block.
    numbers = np.where(own > 0, numbers, numbers[own > 0][0])
    return np.unique(np.maximum.accumulate(numbers), return_inverse=True)[1][position]
