"""Types, text and codes of Arrow columns: the same in training and in batch scoring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# Texts that mean a missing value in a CSV file.
NULLS = ["", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None", "."]


def coded(texts: pa.ChunkedArray, code_of: Callable[[str], float]) -> NDArray[np.float64]:
    """Codes of texts, NaN of nulls; a chunk's texts are looked up once, not row by row."""
    parts = [np.empty(0)]
    for chunk in texts.chunks:
        encoded = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        known = [np.nan if t is None else code_of(t) for t in encoded.dictionary.to_pylist()]
        places = encoded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
        parts.append(np.array([*known, np.nan])[places])
    return np.concatenate(parts)


def parsed_numbers(
    column: pa.ChunkedArray, decimal: str = "."
) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """Numbers that are written as text, and which texts are none; None if all of them are numbers.

    Both arrays have the shape (n_rows,). Words for a missing value are NaN, as nulls are.
    """
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    text = pc.if_else(pc.is_in(text, pa.array(NULLS)), None, text)
    if decimal != ".":
        text = pc.replace_substring(text, decimal, ".")
    try:
        return text.cast(pa.float64()).to_numpy(), None
    except pa.ArrowInvalid:
        pass
    encoded = text.combine_chunks().dictionary_encode()
    numbers, wrong = _parsed(encoded.dictionary)  # distinct texts only
    places = encoded.indices.fill_null(len(numbers)).to_numpy(zero_copy_only=False)
    return np.append(numbers, np.nan)[places], np.append(wrong, False)[places]


def _parsed(texts: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Texts as numbers, NaN and True where a text is not a number.

    Arrow rejects an array as a whole, so halves are tried until the bad texts are isolated.
    """
    try:
        return texts.cast(pa.float64()).to_numpy(), np.zeros(len(texts), bool)
    except pa.ArrowInvalid:
        if len(texts) == 1:
            return np.array([np.nan]), np.array([True])
    half = len(texts) // 2
    left, right = _parsed(texts[:half]), _parsed(texts[half:])
    return np.append(left[0], right[0]), np.append(left[1], right[1])


def is_text(kind: pa.DataType) -> bool:
    """Whether a column holds text, dictionary-encoded or not."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_number(kind: pa.DataType) -> bool:
    """Whether a column holds numbers or only nulls."""
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    return any(test(kind) for test in tests)


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
