"""Splits a dataset into rows to train on and rows that are held out to test the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import train_test_split

from scoreline.core.errors import DatasetError
from training.data.units import places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scoreline.definition.tables import Split
    from training.data.dataset import Dataset


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
    if dataset.time is not None:
        test = _latest(split, dataset.time)
        train = ~test
        if dataset.unit is not None:
            train &= ~np.isin(dataset.unit, dataset.unit[test])
    else:
        test = _drawn(split, dataset, classes)
        train = ~test
    for part in (train, test):
        if not part.any() or (classes is not None and len(set(classes[part].tolist())) < 2):
            raise DatasetError(f"{split.method} split: training or test rows hold one class only")
    return np.flatnonzero(train), np.flatnonzero(test)


def _drawn(split: Split, dataset: Dataset, classes: NDArray[np.int8] | None) -> NDArray[np.bool_]:
    """Whether each row is drawn for the test."""
    if classes is not None:
        smallest = int(np.bincount(classes, minlength=2).min())
        if smallest * min(split.test_share, 1 - split.test_share) < 1:
            raise DatasetError(f"{smallest} rows of one class are too few for a test set")
    if dataset.unit is not None:
        return places(dataset.unit, classes, split.seed) < split.test_share
    rows = np.arange(len(dataset.y))
    _, drawn = train_test_split(
        rows, test_size=split.test_share, random_state=split.seed, stratify=classes
    )
    return np.isin(rows, drawn)


def _latest(split: Split, time: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each row is among the latest; rows of one time stay together."""
    latest = np.sort(time)[-max(round(len(time) * split.test_share), 1)]
    late: NDArray[np.bool_] = time >= latest
    return late
