"""Columns of the input that stand beside the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from scoreline.core.errors import BatchError, FieldError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

ALL = "all"
PREFIX = "input_"


class KeptColumns:
    """Which columns of a file are kept, and under which names.

    Attributes
    ----------
    names : name in the output -> column of the file
    """

    def __init__(
        self,
        wanted: Sequence[str],
        schema: pa.Schema,
        *,
        id_column: str | None,
        answers: Collection[str],
        as_csv: bool,
    ) -> None:
        """Find the columns; one that is called like a column of answers gets a prefix.

        Parameters
        ----------
        wanted : names of columns, or `all`
        as_csv : the output is CSV, which takes no lists and no bytes

        Raises
        ------
        BatchError
            A column is missing, appears twice, or cannot be written; every one is named.
        """
        columns = schema.names if list(wanted) == [ALL] else list(dict.fromkeys(wanted))
        columns = [name for name in dict.fromkeys(columns) if name != id_column]
        named = [(PREFIX + name if name in answers else name, name) for name in columns]
        outputs = [output for output, _ in named]
        problems = [
            FieldError(name, problem)
            for output, name in named
            if (problem := _problem(schema, name, as_csv=as_csv))
            or (problem := "is also the name of another column" * (outputs.count(output) > 1))
        ]
        if problems:
            raise BatchError("columns cannot be kept", tuple(problems))
        self.names = dict(named)
        self._types = {name: _plain(schema.field(name).type) for name in columns}

    def columns(self, table: pa.Table, rows: NDArray[Any]) -> dict[str, pa.Array]:
        """The kept columns of a part.

        Parameters
        ----------
        rows : positions of the rows that are answered, shape (n_rows,)
        """
        return {
            output: table[name].cast(self._types[name]).take(pa.array(rows))
            for output, name in self.names.items()
        }


def _problem(schema: pa.Schema, name: str, *, as_csv: bool) -> str:
    found = schema.names.count(name)
    if found != 1:
        return "appears twice" if found else "the file has no such column"
    kind = _plain(schema.field(name).type)
    if as_csv and (pa.types.is_nested(kind) or pa.types.is_binary(kind)):
        return "cannot be written as CSV; write Parquet"
    return ""


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type of the values, which the reader may have encoded as a dictionary."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind
