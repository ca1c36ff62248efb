"""Splits a dataset into rows to train on and rows that are held out to test the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import train_test_split

from scoreline.core.dates import microseconds, read_time
from scoreline.core.errors import DatasetError
from scoreline.definition.splits import TimeSplit
from training.data.units import places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scoreline.definition.splits import Split
    from training.data.dataset import Dataset

MOST_OFF = 0.2  # of the share that a definition asks for


def split_rows(split: Split, dataset: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the training and the test rows; no unit of rows is in both.

    A random split gives both parts equal shares of defaults. Rows of a recommendation have too many
    combinations of products for that, so they are drawn without regard to them. In a split by time,
    a unit with rows in both periods is tested on, and its earlier rows are in neither part.

    Raises
    ------
    DatasetError
        A part is empty or holds one class only.
    """
    classes = dataset.y if dataset.y.ndim == 1 else None
    if isinstance(split, TimeSplit) and dataset.time is not None:
        test = _latest(split, dataset, dataset.time)
        train = ~test
        if dataset.unit is not None:
            train &= ~np.isin(dataset.unit, dataset.unit[test])
    else:
        test = _drawn(split, dataset, classes)
        train = ~test
    if not (train.any() and test.any()):
        raise DatasetError(f"{split.method} split: {_emptied(train | test, test)}")
    for part in (train, test):
        if classes is not None and not 0 < classes[part].sum() < part.sum():
            raise DatasetError(f"{split.method} split: training or test rows hold one class only")
    return np.flatnonzero(train), np.flatnonzero(test)


def _emptied(used: NDArray[np.bool_], test: NDArray[np.bool_]) -> str:
    """Which part holds no row, and why it may be."""
    if not test.any():
        return "no row is left to test on"
    earlier = int((~used).sum())
    cause = f"; {earlier:,} earlier rows are of groups that are tested on" if earlier else ""
    return f"no row is left to train on{cause}"


def _drawn(split: Split, dataset: Dataset, classes: NDArray[np.int8] | None) -> NDArray[np.bool_]:
    """Whether each row is drawn for the test."""
    if classes is not None:
        smallest = int(np.bincount(classes, minlength=2).min())
        if smallest * min(split.test_share, 1 - split.test_share) < 1:
            raise DatasetError(f"{smallest} rows of one class are too few for a test set")
    if dataset.unit is not None:
        test = places(dataset.unit, classes, split.seed) < split.test_share
        _check_share(split, dataset, dataset.unit, float(test.mean()))
        return test
    rows = np.arange(len(dataset.y))
    _, drawn = train_test_split(
        rows, test_size=split.test_share, random_state=split.seed, stratify=classes
    )
    return np.isin(rows, drawn)


def _check_share(split: Split, dataset: Dataset, unit: NDArray[np.uint64], share: float) -> None:
    """Raise a DatasetError where units are so large that the share of the test rows is far off."""
    largest = int(np.unique(unit, return_counts=True)[1].max())
    if largest > 1 and abs(share - split.test_share) > MOST_OFF * split.test_share:
        kind = f"rows of one {dataset.identity}" if dataset.identity else "equal rows"
        raise DatasetError(
            f"split.test_share: {kind} stay together, up to {largest / len(unit):.0%} of all rows,"
            f" so {share:.0%} are drawn in place of {split.test_share:.0%}; ask for another share"
            " or another seed"
        )


def _latest(split: TimeSplit, dataset: Dataset, time: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each row is among the latest; rows of one time stay together."""
    start = _nearest(split, time) if split.start is None else _first_time(split, dataset)
    late: NDArray[np.bool_] = time >= start
    return late


def _first_time(split: TimeSplit, dataset: Dataset) -> float:
    """The time that the definition holds out from."""
    if isinstance(split.start, str) != dataset.dated:
        held, given = ("dates", "a number") if dataset.dated else ("numbers", "a date")
        raise DatasetError(f"split.from: is {given}, but {split.column} holds {held}")
    if isinstance(split.start, str):
        return microseconds(read_time(split.start))
    assert split.start is not None  # noqa: S101 - callers check it
    return split.start


def _nearest(split: TimeSplit, time: NDArray[np.float64]) -> float:
    """The time from which on the share of the rows is nearest to the one that is asked for."""
    times, counts = np.unique(time, return_counts=True)
    shares = np.cumsum(counts[::-1])[::-1] / len(time)
    best = int(np.argmin(np.abs(shares - split.test_share)))
    if abs(shares[best] - split.test_share) > MOST_OFF * split.test_share:
        raise DatasetError(
            f"split.test_share: so many rows of {split.column} have one time that the nearest to"
            f" {split.test_share:.0%} is {shares[best]:.0%}; ask for that, or give `from`"
        )
    return float(times[best])
