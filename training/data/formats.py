"""CSV and Parquet: which files are data, what they hold, and why one cannot be read."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import csv, parquet

from scoreline.arrow.csv_dialect import (
    HEAD_BYTES,
    Dialect,
    compression_of,
    dialect_of,
    is_csv,
    problem_of,
)
from scoreline.core.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_DECOMPRESSED = 4 << 30
CHUNK = 1 << 24
MAX_NAMED = 30


def is_data_file(name: str) -> bool:
    """Whether a file's name, without its folder, is that of data."""
    return (is_csv(name) or name.endswith(".parquet")) and not name.startswith(("_", "."))


def decompressed(name: str, content: bytes) -> bytes:
    """The content of a file, decompressed where its name says so, up to a limit.

    Raises
    ------
    DatasetError
        The file is not compressed as its name says, or holds more than MAX_DECOMPRESSED bytes.
    """
    kind = compression_of(name)
    if kind is None:
        return content
    found = io.BytesIO()
    try:
        with pa.CompressedInputStream(pa.BufferReader(content), kind) as stream:
            while chunk := stream.read(CHUNK):
                found.write(chunk)
                if found.tell() > MAX_DECOMPRESSED:
                    raise DatasetError(f"{name}: holds over {MAX_DECOMPRESSED:,} bytes")
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"{name}: is not compressed with {kind}") from error
    return found.getvalue()


def dialect_of_file(name: str, content: bytes) -> Dialect:
    """The dialect of a CSV file, decompressed."""
    return dialect_of(content[:HEAD_BYTES], name)


def invalid_file(name: str, content: bytes | None = None) -> DatasetError:
    """The error for a file whose content does not match its name, with the cause where known."""
    if not is_csv(name):
        return DatasetError(f"{name}: is not a valid Parquet file")
    if content is None:
        return DatasetError(f"{name}: is not a valid CSV file")
    problem = problem_of(io.BytesIO(content), dialect_of_file(name, content))
    return DatasetError(f"{name}: {problem}")


def columns_named(names: Sequence[str]) -> str:
    """Names of columns for an error message, cut where they are many or long."""
    shown = [name[:64] or "(unnamed)" for name in names[:MAX_NAMED]]
    more = [f"and {len(names) - MAX_NAMED:,} more"] if len(names) > MAX_NAMED else []
    return ", ".join(shown + more)


def count_rows(name: str, content: bytes) -> int:
    """Rows of a file, as training counts them; a DatasetError where it is not valid."""
    if is_csv(name):
        return _count_csv_rows(name, decompressed(name, content))
    try:
        return int(parquet.read_metadata(io.BytesIO(content)).num_rows)
    except (pa.ArrowException, OSError) as error:
        raise invalid_file(name) from error


def _count_csv_rows(name: str, content: bytes) -> int:
    dialect = dialect_of_file(name, content)
    options = {"read_options": dialect.read(), "parse_options": dialect.parse}
    try:
        first = csv.open_csv(io.BytesIO(content), **options).schema.names[0]
        only = csv.ConvertOptions(include_columns=[first], column_types={first: pa.string()})
        rows = csv.open_csv(io.BytesIO(content), convert_options=only, **options)
        return sum(batch.num_rows for batch in rows)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise invalid_file(name, content) from error
