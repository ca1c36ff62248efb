"""Answers and rejections of a part as tables, and all parts as one file each."""

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

    from batch.encoding import Encoded

REJECTED = pa.schema(
    {"row": pa.int64(), "id": pa.string(), "field": pa.string(), "rule": pa.string()}
)


def answers_of(encoded: Encoded, first: int, answers: dict[str, pa.Array]) -> pa.Table:
    """Answers with the ids of their rows, or with their numbers where the file has no ids.

    Parameters
    ----------
    first : number of the part's first row in the file, which counts from 1
    """
    if encoded.ids is not None:
        return pa.table({"id": encoded.ids, **answers})
    return pa.table({"row": pa.array(encoded.rows + first), **answers})


def rejections_of(encoded: Encoded, first: int) -> pa.Table:
    """A line for every rule that a row breaks, in the order of the rows."""
    rows = [np.flatnonzero(rows) for _, _, rows in encoded.broken]
    which = np.repeat(np.arange(len(rows)), [len(places) for places in rows])
    place = np.concatenate([np.empty(0, int), *rows])
    order = np.argsort(place, kind="stable")
    place, which = place[order], which[order]
    fields, rules = (pa.array([b[i] for b in encoded.broken], pa.string()) for i in (0, 1))
    ids = pa.nulls(len(place), pa.string())
    if encoded.ids is not None:
        ids = encoded.ids.take(pa.array(place, mask=~is_id(encoded.ids)[place]))
    return pa.table(
        {"row": place + first, "id": ids, "field": fields.take(which), "rule": rules.take(which)},
        schema=REJECTED,
    )


def write_part(table: pa.Table, path: Path) -> None:
    """Write a file that is either whole or not there."""
    temporary = path.with_suffix(".new")
    with open(temporary, "wb") as file:
        with parquet.ParquetWriter(file, table.schema, **_encodings(table.schema)) as writer:
            writer.write_table(table)
        _flush(file)
    os.replace(temporary, path)


def assemble(parts: Iterable[Path], schema: pa.Schema, output: Path, folder: Path) -> None:
    """Put parts into one file, of the kind that its name says, all at once."""
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
    """Dictionaries for what repeats: others cost twice the time and save nothing."""
    repeats = [f.name for f in schema if f.type != pa.float64() and f.name not in ("id", "row")]
    return {"use_dictionary": repeats}


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
