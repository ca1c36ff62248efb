"""Sums of many numbers by the column that each belongs to, shared by both forms of the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RAW_PARTS = 2  # coarse and fine
PIECE_LENGTH = 16  # table entries of one column that are summed at once; measured
NO_COLUMN = -1


def pieces_of(
    column: NDArray[np.int64], n_columns: int, length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Items to be summed, (length, n_pieces), and the column that each piece belongs to.

    Items of NO_COLUMN are 0 and pad the pieces; the last piece holds only such items.

    column : column that each item belongs to
    """
    zero = np.flatnonzero(column == NO_COLUMN)[0]
    pieces, columns_of_pieces = [], []
    for c in range(n_columns):
        items = np.flatnonzero(column == c)
        for i in range(0, max(1, len(items)), length):
            piece = items[i : i + length]
            pieces.append(np.pad(piece, (0, length - len(piece)), constant_values=zero))
            columns_of_pieces.append(c)
    pieces.append(np.full(length, zero))
    return np.stack(pieces, 1), np.array([*columns_of_pieces, NO_COLUMN])
