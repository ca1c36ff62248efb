"""CSV and Parquet: which files are data, and how many rows they hold."""

from __future__ import annotations

import io

import pyarrow as pa
from pyarrow import csv, parquet

from scoreline.core.errors import DatasetError


def is_data_file(name: str) -> bool:
    """Whether a file's name, without its folder, is that of data."""
    return name.endswith((".csv", ".parquet")) and not name.startswith(("_", "."))


def invalid_file(name: str) -> DatasetError:
    """The error for a file whose content does not match its name."""
    kind = "Parquet" if name.endswith(".parquet") else "CSV"
    return DatasetError(f"{name}: is not a valid {kind} file")


def count_rows(name: str, content: bytes) -> int:
    """Rows of a file, as training counts them; a DatasetError where it is not valid."""
    try:
        if name.endswith(".parquet"):
            return int(parquet.read_metadata(io.BytesIO(content)).num_rows)
        first = csv.open_csv(io.BytesIO(content)).schema.names[0]
        only = csv.ConvertOptions(include_columns=[first], column_types={first: pa.string()})
        rows = csv.open_csv(io.BytesIO(content), convert_options=only)
        return sum(batch.num_rows for batch in rows)
    except (pa.ArrowException, OSError) as error:
        raise invalid_file(name) from error
