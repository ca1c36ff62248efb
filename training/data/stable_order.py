"""An order of rows that depends on what is in them, and not on where the file has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.data.row_keys import row_hashes

if TYPE_CHECKING:
    from training.data.dataset import Dataset


def in_stable_order(dataset: Dataset) -> Dataset:
    """The rows by a hash of their values, so that samples and sums are of the same rows each time.

    Rows that are equal in everything are interchangeable.
    """
    outcomes = dataset.y.reshape(len(dataset.y), -1).astype(np.float32)
    keys = [*dataset.protected.values(), row_hashes(outcomes), row_hashes(dataset.X)]
    given = (dataset.weight, dataset.unit, dataset.time)
    keys[:0] = [key for key in given if key is not None]
    return dataset.take(np.lexsort(keys))
