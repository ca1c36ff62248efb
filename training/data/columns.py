"""The columns that a definition needs, read from CSV and Parquet files as text or numbers."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from scoreline.arrow.columns import NULLS, as_text, coded, is_number, parsed_numbers
from scoreline.arrow.csv_dialect import is_csv, seems_headless
from scoreline.core.categories import CategoryCodes
from scoreline.core.datasets import GENERATED_KEY
from scoreline.core.errors import DatasetError
from scoreline.definition.model import DefaultDefinition
from training.data.formats import columns_named, decompressed, dialect_of_file, invalid_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
    """The columns of a file, in the order of `columns`.

    Raises
    ------
    DatasetError
        The file cannot be read, or a column is missing or named twice.
    """
    if is_csv(name):
        return _with_text(_csv_columns(name, decompressed(name, content), columns), columns)
    try:
        _check_names(name, list(parquet.read_schema(io.BytesIO(content)).names), columns)
        table = parquet.read_table(io.BytesIO(content), columns=list(columns))
        return _with_text(table, columns)
    except (pa.ArrowException, OSError) as error:
        raise invalid_file(name) from error


def _csv_columns(name: str, content: bytes, columns: dict[str, bool]) -> pa.Table:
    dialect = dialect_of_file(name, content)
    options = {"read_options": dialect.read(), "parse_options": dialect.parse}
    try:
        _check_names(name, csv.open_csv(io.BytesIO(content), **options).schema.names, columns)
        convert = csv.ConvertOptions(
            include_columns=list(columns),
            column_types={column: pa.string() for column, text in columns.items() if text},
            null_values=NULLS,
            strings_can_be_null=False,  # "NA" may be a category, as in a country code
            decimal_point=dialect.decimal,
        )
        table = csv.read_csv(io.BytesIO(content), convert_options=convert, **options)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise invalid_file(name, content) from error
    if not table.num_rows:
        raise DatasetError(f"{name}: has a header and no rows")
    return _with_points(table, columns) if dialect.decimal == "," else table


def _with_points(table: pa.Table, columns: dict[str, bool]) -> pa.Table:
    """Decimal points in columns of numbers that were read as text because of a single cell."""
    return pa.table(
        {
            name: pc.replace_substring(column, ",", ".")
            if not columns[name] and _is_plain_text(column.type)
            else column
            for name, column in zip(table.schema.names, table.itercolumns(), strict=True)
        }
    )


def _check_names(name: str, present: Sequence[str], columns: Iterable[str]) -> None:
    """Raise a DatasetError where a needed column is missing, or stands in the file twice."""
    missing = [column for column in columns if column not in present]
    if missing and seems_headless(present):
        raise DatasetError(f"{name}: the first line holds values, so the file has no header")
    if missing:
        raise DatasetError(
            f"{name}: missing columns: {', '.join(missing)}; found: {columns_named(present)}"
        )
    twice = [column for column in columns if present.count(column) > 1]
    if twice:
        raise DatasetError(f"{name}: columns that are named twice: {', '.join(twice)}")


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


def amounts(
    feature: Feature, table: pa.Table
) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """Numbers of a feature, NaN where missing, and which cells are texts that are no numbers.

    Raises
    ------
    DatasetError
        The column holds no number.
    """
    column = table[feature.dataset_column]
    if not _is_plain_text(column.type):
        return numbers(table, feature.dataset_column, feature.type), None
    values, wrong = parsed_numbers(column)
    if wrong is not None and np.isnan(values).all():
        kind = kind_of_cells(column, wrong)
        raise _wrong_type(feature.dataset_column, feature.type, kind)
    return values, wrong


# What a cell that is no number looks like, and in words.
KINDS = {
    "a number with thousands marks": r"^[+-]?\d{1,3}([,.' ]\d{3})+([.,]\d+)?$",
    "a number with a decimal comma": r"^[+-]?\d+,\d+$",
    "an amount with a currency": r"^\p{Sc}\s*[+-]?[\d.,]+$|^[+-]?[\d.,]+\s*(\p{Sc}|[A-Z]{3})$",
    "a percentage": r"^[+-]?[\d.,]+\s*%$",
}


def kind_of_cells(column: pa.ChunkedArray, wrong: NDArray[np.bool_]) -> str:
    """What the first of the wrong cells looks like, in words that do not repeat it."""
    first = column.filter(pa.array(wrong)).slice(0, 1)
    for kind, pattern in KINDS.items():
        if pc.match_substring_regex(pc.utf8_trim_whitespace(first), pattern)[0].as_py():
            return kind
    return "text"


def _wrong_type(name: str, expected: str, found: pa.DataType | str) -> DatasetError:
    return DatasetError(f"{name}: wrong type: {expected} expected, {found} found")


def numbers(table: pa.Table, name: str, expected: str) -> NDArray[np.float64]:
    """Numbers of a column, NaN where missing; a DatasetError where it holds text."""
    column = _parsed_numbers(table[name])
    kind = column.type
    if not (is_number(kind) or pa.types.is_boolean(kind)):
        raise _wrong_type(name, expected, kind)
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
