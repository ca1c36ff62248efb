"""Rows that are left out of a dataset, counted by the rule that they break."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scoreline.core.errors import DatasetError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

MISSING_ID = "the id is missing"
DUPLICATED_ROW = "duplicate of an earlier row"


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
    """Keep the first of equal rows; a DatasetError where rows share an id but differ."""
    # duplicated() compares whole rows and treats missing values as equal.
    frame = table.to_pandas()[exclusions.kept]
    positions = np.flatnonzero(exclusions.kept)

    def mask(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        whole = np.zeros(len(exclusions.kept), bool)
        whole[positions[flags]] = True
        return whole

    missing = frame[id_column].isna()
    repeated = frame.duplicated()
    different = frame.loc[~missing & ~repeated, id_column]
    shared = different[different.duplicated()].nunique()
    if shared:
        raise DatasetError(
            f"{id_column}: {shared:,} ids have rows that differ, but an id names one row; where it"
            f' names a customer with several rows, write group = "{id_column}" in place of id'
        )
    exclusions.exclude(mask(missing.to_numpy()), f"{id_column}: {MISSING_ID}")
    exclusions.exclude(mask(repeated.to_numpy()), f"{id_column}: {DUPLICATED_ROW}")
