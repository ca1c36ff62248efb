"""Builds the offline table in Parquet from raw tables, and the items of the online table."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

from pyarrow import parquet

from features.tables import DATABASE_URLS, open_tables, parquet_files, record_batches
from scoreline.core.datasets import GENERATED_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from pyarrow import RecordBatchReader

    from features.pipeline import Pipeline, Tables

BATCH_ROWS = 10_000
PARTITION_CUSTOMERS = 50_000


def build_offline(
    pipeline: Pipeline,
    source: str,
    path: Path,
    progress: Callable[[int, int], None] = lambda _rows, _of: None,
) -> int:
    """Write the offline table atomically; returns its number of rows.

    Parameters
    ----------
    source : a folder of Parquet files, or the URL of a PostgreSQL database
    progress : called with the rows written and the total

    Raises
    ------
    DatasetError
        The tables do not open, lack a column, or hold values of a wrong type.
    """
    part = path.with_name(f"{path.name}.part")  # readers never see half a table
    with open_tables(pipeline, source) as tables:
        total = tables[pipeline.application].count().to_pyarrow().as_py()
        partitions = _partitions(pipeline, tables) or [tables]  # the columns of no customers
        path.parent.mkdir(parents=True, exist_ok=True)
        batches = (record_batches(pipeline.offline(some), BATCH_ROWS) for some in partitions)
        try:
            written = _write(part, batches, _mark(source), lambda rows: progress(rows, total))
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    return written


def _partitions(pipeline: Pipeline, tables: Tables) -> list[Tables]:
    """The tables of some customers at a time, so that memory does not grow with all customers.

    Partitions follow each other in the order of the customers' ids.
    """
    key = pipeline.key
    applicants = tables[pipeline.application].select(key).order_by(key)
    keys = applicants.to_pyarrow()[key].to_numpy()
    parts = [keys[i : i + PARTITION_CUSTOMERS] for i in range(0, len(keys), PARTITION_CUSTOMERS)]
    return [_of_customers(key, tables, part[0].item(), part[-1].item()) for part in parts]


def _of_customers(key: str, tables: Tables, first: int, last: int) -> Tables:
    """The rows of the customers from the first to the last; tables without ids as they are."""
    return {
        name: table.filter(table[key].between(first, last)) if key in table.columns else table
        for name, table in tables.items()
    }


def _write(
    path: Path,
    tables: Iterable[RecordBatchReader],
    mark: dict[bytes, bytes],
    progress: Callable[[int], None],
) -> int:
    """Write tables of the same columns, one after the other; returns the number of rows."""
    written = 0
    with ExitStack() as stack:
        writer = None
        for batches in tables:
            if writer is None:
                schema = batches.schema.with_metadata(mark)
                writer = stack.enter_context(parquet.ParquetWriter(path, schema))
            for batch in batches:
                writer.write_batch(batch.replace_schema_metadata(mark))
                written += batch.num_rows
                progress(written)
    return written


def online_items(pipeline: Pipeline, path: Path, as_of: datetime) -> Iterator[dict[str, str]]:
    """Items of the online table, read from the offline table batch by batch.

    `features` is a JSON object without the features that the customer lacks.
    """
    names = list(pipeline.features)
    for batch in parquet.ParquetFile(path).iter_batches(BATCH_ROWS, columns=[pipeline.key, *names]):
        for row in batch.to_pylist():
            customer = str(row.pop(pipeline.key))
            yield {
                "customer": customer,
                "pipeline": pipeline.name,
                "as_of": as_of.isoformat(timespec="seconds"),
                "features": json.dumps({n: v for n, v in row.items() if v is not None}),
            }


def _mark(source: str) -> dict[bytes, bytes]:
    """The mark of synthetic tables, which the offline table inherits."""
    if source.startswith(DATABASE_URLS):
        return {}
    found = (parquet.read_schema(file).metadata or {} for file in parquet_files(source))
    return {key: mark[key] for mark in found for key in (GENERATED_KEY,) if key in mark}
