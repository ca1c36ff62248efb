"""Tables of answers and rejections for each part, and their assembly into one file each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from batch.encoding import is_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from batch.encoding import EncodedRows

REJECTED = pa.schema(
    {"row": pa.int64(), "id": pa.string(), "field": pa.string(), "rule": pa.string()}
)


def answers_of(encoded: EncodedRows, first: int, answers: dict[str, pa.Array]) -> pa.Table:
    """Answers with the ids of their rows, or with row numbers where the file has no ids.

    Parameters
    ----------
    first : number of the part's first row in the file, counted from 1
    """
    if encoded.ids is not None:
        return pa.table({"id": encoded.ids, **answers})
    return pa.table({"row": pa.array(encoded.rows + first), **answers})


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


def assemble(parts: Iterable[Path], schema: pa.Schema, output: Path, folder: Path) -> None:
    """Join parts into one Parquet or CSV file, which appears when it is complete."""
    temporary = folder / f"assembled{output.suffix}"
    with open(temporary, "wb") as file:
        writer: Any = (
            csv.CSVWriter(file, schema)
            if output.suffix == ".csv"
            else parquet.ParquetWriter(file, schema, **_encodings(schema))
        )
        with writer:
            for part in parts:
                writer.write_table(parquet.read_table(part, schema=schema))
        _flush(file)
    os.replace(temporary, output)


def _encodings(schema: pa.Schema) -> dict[str, Any]:
    """Dictionary encoding for repeated values; for others it doubles the time and saves nothing."""
    repeats = [f.name for f in schema if f.type != pa.float64() and f.name not in ("id", "row")]
    return {"use_dictionary": repeats}


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
