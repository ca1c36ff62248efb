"""The columns that a definition needs, read from CSV and Parquet files as text or numbers."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from scoreline.arrow.columns import NULLS, as_text, coded, is_number
from scoreline.core.categories import CategoryCodes
from scoreline.core.datasets import GENERATED_KEY
from scoreline.core.errors import DatasetError
from scoreline.definition.model import DefaultDefinition
from training.data.formats import invalid_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scoreline.core.features import Feature
    from scoreline.definition.model import Definition


def needed_columns(definition: Definition) -> dict[str, bool]:
    """Columns of the dataset that are read -> whether they are read as text."""
    columns = {target.column: True for target in definition.targets}
    for column in filter(None, (definition.id, definition.group)):
        columns[column] = True
    if definition.weight:
        columns[definition.weight] = False
    for column in definition.gates.times:
        columns[column] = False
    if definition.split.column:
        columns[definition.split.column] = bool(definition.split.format)
    if definition.split.observed_column:
        columns[definition.split.observed_column] = False
    if isinstance(definition, DefaultDefinition) and definition.economics:
        columns.update(dict.fromkeys(definition.economics.columns.values(), False))
    for feature in definition.features:
        columns[feature.dataset_column] = feature.type == "category" or feature.protected
    return columns


def read_columns(name: str, content: bytes, columns: dict[str, bool]) -> pa.Table:
    """The columns of a file, in the order of `columns`; a DatasetError where one is missing."""
    try:
        present = _column_names(name, content)
        missing = [column for column in columns if column not in present]
        if missing:
            raise DatasetError(f"{name}: missing columns: {', '.join(missing)}")
        if name.endswith(".parquet"):
            table = parquet.read_table(io.BytesIO(content), columns=list(columns))
            return _with_text(table, columns)
        options = csv.ConvertOptions(
            include_columns=list(columns),
            column_types={column: pa.string() for column, text in columns.items() if text},
            null_values=NULLS,
            strings_can_be_null=False,  # "NA" may be a category, as in a country code
        )
        return _with_text(csv.read_csv(io.BytesIO(content), convert_options=options), columns)
    except (pa.ArrowException, OSError) as error:
        raise invalid_file(name) from error


def _column_names(name: str, content: bytes) -> list[str]:
    if name.endswith(".parquet"):
        return list(parquet.read_schema(io.BytesIO(content)).names)
    return list(csv.open_csv(io.BytesIO(content)).schema.names)


def _with_text(table: pa.Table, columns: dict[str, bool]) -> pa.Table:
    return pa.table(
        {name: as_text(table[name]) if text else table[name] for name, text in columns.items()}
    )


def generated_marks(name: str, content: bytes) -> Iterator[dict[str, Any]]:
    """Model, seed and rows that a file of invented data records."""
    if name.endswith(".parquet"):
        mark = (parquet.read_schema(io.BytesIO(content)).metadata or {}).get(GENERATED_KEY)
        if mark is not None:
            yield json.loads(mark)


def category_codes(feature: Feature, table: pa.Table) -> NDArray[np.float64]:
    """Positions in the feature's categories, UNSEEN_CATEGORY for others, NaN where missing."""
    categories = CategoryCodes(feature)

    def code(text: str) -> float:
        return np.nan if categories.is_blank(text) else categories.code_of_cell(text)

    return coded(table[feature.dataset_column], code)


def amounts(feature: Feature, table: pa.Table) -> NDArray[np.float64]:
    """Numbers of a feature, NaN where missing; a DatasetError where the column holds text."""
    return numbers(table, feature.dataset_column, feature.type)


def numbers(table: pa.Table, name: str, expected: str) -> NDArray[np.float64]:
    """Numbers of a column, NaN where missing; a DatasetError where it holds text."""
    column = _parsed_numbers(table[name])
    kind = column.type
    if not (is_number(kind) or pa.types.is_boolean(kind)):
        raise DatasetError(f"{name}: wrong type: {expected} expected, {kind} found")
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    return to_numpy(pc.fill_null(column.cast(pa.float64(), safe=False), float("nan")))


def _parsed_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The numbers of a text column that holds nothing else; any other column unchanged."""
    if not _is_plain_text(column.type):
        return column
    text = pc.utf8_trim_whitespace(column)
    try:
        missing = pc.is_in(text, pa.array(NULLS, text.type))
        return pc.if_else(missing, None, text).cast(pa.float64())
    except pa.ArrowInvalid:
        return column


def _is_plain_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def to_numpy(values: pa.ChunkedArray) -> NDArray[Any]:
    """A column as one array."""
    return np.asarray(values.combine_chunks().to_numpy(zero_copy_only=False))
