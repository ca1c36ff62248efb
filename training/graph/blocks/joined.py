"""Tables of many blocks as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.graph.shapley_tables import Rows


@dataclass(frozen=True, slots=True)
class Joined:
    """The tables of one part of all blocks of a kind; equal tables are stored once.

    table : (n_rows, width)
    rows : of each block
    first : of each block, its first row in the table
    """

    table: NDArray[np.float32]
    rows: list[Rows]
    first: list[int]

    @classmethod
    def of(cls, rows: list[Rows], tables: list[NDArray[np.float64]]) -> Joined:
        """The blocks' tables, one after the other."""
        places: dict[bytes, int] = {}
        distinct, first, end = [], [], 0
        for table in tables:
            rounded = table.astype(np.float32)
            key = rounded.tobytes()
            if key not in places:
                places[key], end = end, end + len(rounded)
                distinct.append(rounded)
            first.append(places[key])
        return cls(np.concatenate(distinct), rows, first)
