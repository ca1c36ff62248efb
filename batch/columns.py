"""Converts columns of a file to numbers: amounts, booleans, category codes; NaN is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoreline.arrow.columns import as_text, coded, is_text, parsed_numbers
from scoreline.core.features import UNSEEN_CATEGORY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scoreline.core.categories import CategoryCodes

EMPTY_TEXT = -2.0
UNREADABLE = np.inf
_BOOLEANS = pa.array(["false", "true", "0", "1"])


def amounts(
    column: pa.ChunkedArray, decimal: str = "."
) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """Numbers of shape (n_rows,), and which texts are not numbers; None if all of them are."""
    if is_text(column.type):
        return parsed_numbers(column, decimal)
    return _numpy(column.cast(pa.float64(), safe=False)), None


def booleans(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """0 and 1 for truth values, their numbers and words; UNREADABLE for anything else."""
    if pa.types.is_boolean(column.type):
        return _numpy(column.cast(pa.int8()).cast(pa.float64()))
    if is_text(column.type):
        text = pc.if_else(pc.equal(column, ""), None, column)
        found = _numpy(pc.index_in(pc.utf8_lower(text), _BOOLEANS).cast(pa.float64()))
        unread = np.isnan(found) & _numpy(pc.is_valid(text))
        return np.where(unread, UNREADABLE, found % 2)
    values, _ = amounts(column)
    return np.where((values == 0) | (values == 1) | np.isnan(values), values, UNREADABLE)


def codes(
    column: pa.ChunkedArray, categories: CategoryCodes, *, untyped: bool
) -> NDArray[np.float64]:
    """Codes of categories; EMPTY_TEXT for blank texts, UNREADABLE for what is no category's value.

    Parameters
    ----------
    untyped : numbers are written as text, as in CSV
    """
    if categories.numbers and not is_text(column.type):
        return _codes_of_numbers(column, categories)
    if not is_text(column.type):
        column = as_text(column)
    code = categories.code_of_cell if untyped else categories.code
    return coded(column, lambda text: EMPTY_TEXT if categories.is_blank(text) else code(text))


def _codes_of_numbers(column: pa.ChunkedArray, categories: CategoryCodes) -> NDArray[np.float64]:
    if pa.types.is_boolean(column.type):
        return np.where(_numpy(column.is_null()), np.nan, UNREADABLE)
    values, _ = amounts(column)
    unique, places = np.unique(values, return_inverse=True)
    table = np.array(
        [categories.numbers.get(number, UNSEEN_CATEGORY) for number in unique.tolist()]
    )
    found = table[places] if len(table) else values
    whole = np.isfinite(values) & (values == np.rint(values))
    return np.where(np.isnan(values), np.nan, np.where(whole, found, UNREADABLE))


def _numpy(column: pa.ChunkedArray) -> NDArray[Any]:
    values: NDArray[Any] = column.to_numpy()
    return values
