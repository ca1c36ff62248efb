"""Tables of answers and rejections for each part, and their assembly into one file each."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from batch.encoding import is_id
from scoreline.arrow.columns import is_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from batch.encoding import EncodedRows

# A text that begins like a formula, also in full width, and is not a plain number.
FORMULA = r"^(?:[=@\t\r\n＝＋－＠]|[+-](?:$|[0-9.]*[^0-9.]))"  # noqa: RUF001
REJECTED = pa.schema(
    {"row": pa.int64(), "id": pa.string(), "field": pa.string(), "rule": pa.string()}
)


def answers_of(
    encoded: EncodedRows, first: int, kept: dict[str, pa.Array], answers: dict[str, pa.Array]
) -> pa.Table:
    """Answers with the ids of their rows, or with row numbers where the file has no ids.

    Parameters
    ----------
    first : number of the part's first row in the file, counted from 1
    kept : columns of the file that stand between the ids and the answers
    """
    if encoded.ids is not None:
        return pa.table({"id": encoded.ids, **kept, **answers})
    return pa.table({"row": pa.array(encoded.rows + first), **kept, **answers})


def rejections_of(encoded: EncodedRows, first: int) -> pa.Table:
    """One line for every rule that a row breaks, in the order of the rows."""
    rows = [np.flatnonzero(rows) for _, _, rows in encoded.broken]
    breach = np.repeat(np.arange(len(rows)), [len(positions) for positions in rows])
    position = np.concatenate([np.empty(0, int), *rows])
    # Stable, so that a row's rules keep the order of its fields.
    order = np.argsort(position, kind="stable")
    position, breach = position[order], breach[order]
    fields, rules = (pa.array([b[i] for b in encoded.broken], pa.string()) for i in (0, 1))
    ids = pa.nulls(len(position), pa.string())
    if encoded.ids is not None:
        ids = encoded.ids.take(pa.array(position, mask=~is_id(encoded.ids)[position]))
    return pa.table(
        {
            "row": position + first,
            "id": ids,
            "field": fields.take(breach),
            "rule": rules.take(breach),
        },
        schema=REJECTED,
    )


def write_part(table: pa.Table, path: Path) -> None:
    """Write a file atomically: it is complete or absent."""
    temporary = path.with_suffix(".new")
    with open(temporary, "wb") as file:
        with parquet.ParquetWriter(file, table.schema, **_encodings(table.schema)) as writer:
            writer.write_table(table)
        _flush(file)
    os.replace(temporary, path)


def assemble(
    parts: Iterable[Path],
    schema: pa.Schema,
    output: Path,
    folder: Path,
    count: Callable[[pa.Table], None],
) -> None:
    """Join parts into one Parquet or CSV file, which appears when it is complete.

    Parameters
    ----------
    count : called with the table of each part
    """
    temporary, is_csv = folder / f"assembled{output.suffix}", output.suffix == ".csv"
    with open(temporary, "wb") as file:
        writer: Any = (
            csv.CSVWriter(file, _as_texts(schema))
            if is_csv
            else parquet.ParquetWriter(file, schema, **_encodings(schema))
        )
        with writer:
            for part in parts:
                table = parquet.read_table(part, schema=schema)
                count(table)
                writer.write_table(_without_formulas(table) if is_csv else table)
        _flush(file)
    os.replace(temporary, output)


def _as_texts(schema: pa.Schema) -> pa.Schema:
    """The schema of a CSV file: dictionaries of texts are plain texts, no name is a formula."""
    return pa.schema(
        [
            (
                "'" * bool(re.match(FORMULA, f.name)) + f.name,
                pa.string() if is_text(f.type) else f.type,
            )
            for f in schema
        ]
    )


def _without_formulas(table: pa.Table) -> pa.Table:
    """A table whose texts no spreadsheet runs: an apostrophe goes before what could be a formula.

    See "CSV Injection" of OWASP. Numbers that are written as text stay as they are.
    """
    columns = [
        _harmless(column) if is_text(column.type) else column for column in table.itercolumns()
    ]
    return pa.table(columns, schema=_as_texts(table.schema))


def _harmless(column: pa.ChunkedArray) -> pa.ChunkedArray:
    text = column.cast(pa.string())
    runs = pc.match_substring_regex(text, FORMULA)
    return pc.if_else(runs, pc.binary_join_element_wise("'", text, ""), text)


def _encodings(schema: pa.Schema) -> dict[str, Any]:
    """Dictionary encoding for repeated values; for others it doubles the time and saves nothing."""
    repeats = [f.name for f in schema if f.type != pa.float64() and f.name not in ("id", "row")]
    return {"use_dictionary": repeats}


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
