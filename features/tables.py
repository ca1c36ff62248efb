"""Opens the tables of a pipeline: Parquet files in DuckDB, or a PostgreSQL database."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
from duckdb import Error as DuckDBError
from psycopg import Error as PostgresError
from pyarrow import ArrowException

from scoreline.core.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ibis.backends import BaseBackend
    from ibis.expr.types import Column, Table
    from pyarrow import RecordBatchReader

    from features.pipeline import Pipeline

DATABASE_URLS = ("postgresql://", "postgres://")


@contextmanager
def open_tables(pipeline: Pipeline, source: str) -> Iterator[dict[str, Table]]:
    """Every table of the pipeline, with the columns and types that the pipeline declares.

    Parameters
    ----------
    source : a folder of Parquet files, or the URL of a PostgreSQL database

    Raises
    ------
    DatasetError
        The source cannot be opened or read, or lacks a table or a column.
    """
    is_database = source.startswith(DATABASE_URLS)
    try:
        backend = ibis.connect(source) if is_database else ibis.duckdb.connect()
        try:
            present = dict(_database(backend) if is_database else _folder(backend, source))
            yield select_tables(pipeline, present)
        finally:
            backend.disconnect()
    except (DuckDBError, PostgresError, ArrowException) as error:
        raise DatasetError(f"the tables cannot be read: {type(error).__name__}") from error


def select_tables(pipeline: Pipeline, present: Mapping[str, Table]) -> dict[str, Table]:
    """The pipeline's tables among all tables of a backend: DuckDB, PostgreSQL or Spark.

    A table may come in parts named `NAME_PART`, such as application_train and application_test.
    Case is ignored in names. Only the target may be missing from a part, where it is null. NaN is
    read as null.

    Raises
    ------
    DatasetError
        A table or a column is missing.
    """
    return {name: _table(pipeline, name, present) for name in pipeline.schemas}


def parquet_files(folder: str) -> list[Path]:
    """The Parquet files of a folder."""
    if not Path(folder).is_dir():
        raise DatasetError(f"{folder}: no such folder")
    return sorted(Path(folder).glob("*.parquet"))


def record_batches(table: Table, rows: int) -> RecordBatchReader:
    """The table's rows as record batches, read on demand."""
    backend = table.get_backend()
    if backend.name != "duckdb":
        return table.to_pyarrow_batches(chunk_size=rows)
    # Ibis 12 calls fetch_record_batch, which DuckDB 2 has removed.
    return backend.con.sql(backend.compile(table)).to_arrow_reader(rows)


def _folder(backend: BaseBackend, folder: str) -> Iterator[tuple[str, Table]]:
    for file in parquet_files(folder):
        yield file.stem, backend.read_parquet(file)


def _database(backend: BaseBackend) -> Iterator[tuple[str, Table]]:
    for name in sorted(backend.list_tables()):
        yield name, backend.table(name)


def _table(pipeline: Pipeline, name: str, present: Mapping[str, Table]) -> Table:
    parts = [
        _part(pipeline, name, part, table)
        for part, table in present.items()
        if _owner(part, pipeline) == name
    ]
    if not parts:
        raise DatasetError(f"{name}: no such table")
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _owner(part: str, pipeline: Pipeline) -> str | None:
    """The table that a part belongs to: the one with the longest matching name."""
    word = f"{part.lower()}_"
    owners = (name for name in pipeline.schemas if word.startswith(f"{name.lower()}_"))
    return max(owners, key=len, default=None)


def _part(pipeline: Pipeline, name: str, part: str, table: Table) -> Table:
    columns = {column.upper(): column for column in table.columns}
    schema = pipeline.schemas[name]
    # Applications without an outcome come in a part without the target.
    missing = [c for c in schema if c not in columns and c != pipeline.target]
    if missing:
        raise DatasetError(f"{part}: missing columns: {', '.join(missing)}")
    return table.select(
        **{
            column: _typed(table[columns[column]], kind) if column in columns else ibis.null(kind)
            for column, kind in schema.items()
        }
    )


def _typed(column: Column, kind: str) -> Column:
    if column.type().is_floating():
        column = column.isnan().ifelse(ibis.null(column.type()), column)
    return column.cast(kind)
