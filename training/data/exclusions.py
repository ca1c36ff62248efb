"""Rows that are left out of a dataset, counted by the rule that they break."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scoreline.core.errors import DatasetError
from training.data.identities import plain_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

FIRST = 5
DUPLICATED_ROW = "duplicate of an earlier row"


class Exclusions:
    """Rows that are kept so far, and the number of rows left out for each rule.

    A row counts for the first rule that it breaks.

    Attributes
    ----------
    kept : whether each row is kept so far, shape (n_rows,)
    counts : rule -> number of rows
    first : rule -> numbers of the first rows, counted from 1
    """

    def __init__(self, n_rows: int) -> None:
        self.kept = np.ones(n_rows, bool)
        self.counts: dict[str, int] = {}
        self.first: dict[str, list[int]] = {}

    def exclude(self, rows: NDArray[np.bool_], rule: str) -> None:
        """Leave out rows, marked in an array of shape (n_rows,)."""
        rows = rows & self.kept
        if rows.any():
            self.counts[rule] = int(rows.sum())
            self.first[rule] = (np.flatnonzero(rows)[:FIRST] + 1).tolist()
            self.kept &= ~rows

    def describe(self) -> str:
        """The counts as the end of an error message, with the first rows of each rule."""
        return "".join(
            f"; {count:,} rows: {rule} ({rows_named(self.first[rule], count)})"
            for rule, count in self.counts.items()
        )


def rows_named(first: Sequence[int], count: int) -> str:
    """The numbers of the first rows in words; row 1 is the first one after a header."""
    names = ", ".join(f"{row:,}" for row in first)
    more = ", ..." if count > len(first) else ""
    return f"{'row' if count == 1 else 'rows'} {names}{more}"


def exclude_duplicates(id_column: str, table: pa.Table, exclusions: Exclusions) -> None:
    """Keep the first of equal rows; a DatasetError where rows share an id but differ.

    Rows without an id stay.
    """
    ids = plain_ids(table[id_column])
    # duplicated() compares whole rows and treats missing values as equal.
    frame = table.to_pandas()
    frame[id_column] = ids
    positions = np.flatnonzero(exclusions.kept & (ids != ""))
    frame = frame.iloc[positions]

    repeated = frame.duplicated()
    different = frame.loc[~repeated, id_column]
    shared = different[different.duplicated()].nunique()
    if shared:
        raise DatasetError(
            f"{id_column}: {shared:,} ids have rows that differ, but an id names one row; where it"
            f' names a customer with several rows, write group = "{id_column}" in place of id'
        )
    copies = np.zeros(len(ids), bool)
    copies[positions[repeated]] = True
    exclusions.exclude(copies, f"{id_column}: {DUPLICATED_ROW}")


def exclude_missing(column: str, name: str, table: pa.Table, exclusions: Exclusions) -> None:
    """Leave out rows without a group or an id, as `name` says."""
    exclusions.exclude(plain_ids(table[column]) == "", f"{column}: the {name} is missing")
