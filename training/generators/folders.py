"""Invented data of several tables: a folder with a Parquet file for each table."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
from pyarrow import parquet

from scoreline.core.datasets import GENERATED_KEY
from training.generators.home_credit.tables import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

    type Chunk = Mapping[str, pa.Table]

CHUNK_CUSTOMERS = 10_000

# Model -> (generator of random numbers, customers, customers before them) -> tables.
FOLDERS: dict[str, Callable[[np.random.Generator, int, int], Chunk]] = {
    "home-credit": tables,
}


def generate_tables(model: str, customers: int, seed: int) -> Iterator[Chunk]:
    """Invented tables by name, in chunks of customers; each table is marked as invented."""
    mark = {GENERATED_KEY: json.dumps({"model": model, "seed": seed, "rows": customers})}
    for number, first in enumerate(range(0, customers, CHUNK_CUSTOMERS)):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        chunk = FOLDERS[model](rng, min(CHUNK_CUSTOMERS, customers - first), first)
        yield {name: table.replace_schema_metadata(mark) for name, table in chunk.items()}


def write_tables(
    folder: Path, chunks: Iterator[Chunk], progress: Callable[[int], None] = lambda _: None
) -> None:
    """Write each table to its own file; the files appear once all of them are complete.

    Parameters
    ----------
    progress : called after each chunk with the rows of its first table
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, Path] = {}
    with ExitStack() as stack:
        writers: dict[str, parquet.ParquetWriter] = {}
        for chunk in chunks:
            for name, table in chunk.items():
                if name not in writers:
                    parts[name] = folder / f"{name}.parquet.part"
                    writer = parquet.ParquetWriter(parts[name], table.schema)
                    writers[name] = stack.enter_context(writer)
                writers[name].write_table(table)
            progress(next(iter(chunk.values())).num_rows)
    for part in parts.values():
        part.replace(part.with_suffix(""))
