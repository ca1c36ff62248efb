"""Rows that are left out of a dataset, counted by the rule that they break."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

MISSING_ID = "the id is missing"
DUPLICATED_ROW = "duplicate of an earlier row"
CONFLICTING_ID = "rows with this id contradict each other"


class Exclusions:
    """Rows that are kept so far, and the number of rows left out for each rule.

    A row counts for the first rule that it breaks.
    """

    def __init__(self, n_rows: int) -> None:
        self.kept = np.ones(n_rows, bool)
        self.counts: dict[str, int] = {}

    def exclude(self, rows: NDArray[np.bool_], rule: str) -> None:
        """Leave out rows, marked in an array of shape (n_rows,)."""
        rows = rows & self.kept
        if rows.any():
            self.counts[rule] = int(rows.sum())
            self.kept &= ~rows

    def describe(self) -> str:
        """The counts as the end of an error message."""
        return "".join(f"; {count} rows: {rule}" for rule, count in self.counts.items())


def exclude_duplicates(id_column: str, table: pa.Table, exclusions: Exclusions) -> None:
    """Keep the first of equal rows, and none of the rows that share an id but differ."""
    # duplicated() compares whole rows and treats missing values as equal.
    frame = table.to_pandas()[exclusions.kept]
    positions = np.flatnonzero(exclusions.kept)

    def mask(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        whole = np.zeros(len(exclusions.kept), bool)
        whole[positions[flags]] = True
        return whole

    missing = frame[id_column].isna().to_numpy()
    repeated = frame.duplicated().to_numpy()
    shares_id = frame[~repeated].duplicated(id_column, keep=False)
    conflicting = shares_id.reindex(frame.index, fill_value=False).to_numpy()
    exclusions.exclude(mask(missing), f"{id_column}: {MISSING_ID}")
    exclusions.exclude(mask(repeated), f"{id_column}: {DUPLICATED_ROW}")
    exclusions.exclude(mask(conflicting), f"{id_column}: {CONFLICTING_ID}")
