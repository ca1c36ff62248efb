"""Splits a dataset into rows to train on and rows that are held out to test the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import train_test_split

from scoreline.core.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scoreline.definition.tables import Split
    from training.data.dataset import Dataset


def split_rows(split: Split, dataset: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the training and the test rows.

    A random split gives both parts equal shares of defaults. Rows of a recommendation have too many
    combinations of products for that, so they are drawn without regard to them.

    Raises
    ------
    DatasetError
        A part is empty or holds one class only.
    """
    rows = np.arange(len(dataset.y))
    classes = dataset.y if dataset.y.ndim == 1 else None
    if dataset.time is None:
        if classes is not None:
            smallest = int(np.bincount(classes, minlength=2).min())
            if smallest * min(split.test_share, 1 - split.test_share) < 1:
                raise DatasetError(f"{smallest} rows of one class are too few for a test set")
        parts = train_test_split(
            rows, test_size=split.test_share, random_state=split.seed, stratify=classes
        )
        return np.sort(parts[0]), np.sort(parts[1])
    # Rows of one time stay together, so the test share is at least what the definition asks for.
    latest = np.sort(dataset.time)[-max(round(len(rows) * split.test_share), 1)]
    late = dataset.time >= latest
    for part in (~late, late):
        if classes is not None and len(set(classes[part].tolist())) < 2:
            raise DatasetError(f"{split.column}: training or test rows hold one class only")
    return rows[~late], rows[late]
