"""Columns of Arrow tables as text: the same in training and in batch scoring."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

# Texts that mean a missing value in a CSV file.
NULLS = ["", "NA", "N/A", "NaN", "nan", "NULL", "null"]


def as_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values as text, null where they are missing; whole floats as integers, bytes in hex."""
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
        whole = pc.all(pc.equal(values, pc.round(values))).as_py()
        values = values.cast(pa.int64(), safe=False) if whole else values
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        values = pa.chunked_array([[v and v.hex() for v in values.to_pylist()]], pa.string())
    text = values.cast(pa.string())
    return pc.if_else(pc.equal(text, ""), None, text)
