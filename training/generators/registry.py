"""Generates data for the models, marked as invented, and writes it in constant memory."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from scoreline.core.datasets import GENERATED_KEY
from scoreline.core.errors import ModelNotFoundError
from training.generators import (
    credit_card,
    german_credit,
    loan_risk,
    product_recommendation,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CHUNK_ROWS = 2**17


def in_chunks(
    chunk: Callable[[np.random.Generator, int], pa.Table],
) -> Callable[[int, int], Iterator[pa.Table]]:
    """A generator of `rows` rows for a `seed`, in chunks of CHUNK_ROWS rows.

    A chunk depends on its number and the seed only, so a smaller dataset is the beginning of a
    larger one.
    """

    def generate(rows: int, seed: int) -> Iterator[pa.Table]:
        for number, first in enumerate(range(0, rows, CHUNK_ROWS)):
            bits = np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(number,)))
            yield chunk(np.random.Generator(bits), CHUNK_ROWS).slice(0, rows - first)

    return generate


# Model -> (rows, seed) -> tables.
GENERATORS: dict[str, Callable[[int, int], Iterator[pa.Table]]] = {
    "credit-card": in_chunks(credit_card.chunk),
    "german-credit": in_chunks(german_credit.chunk),
    "loan-risk": in_chunks(loan_risk.chunk),
    "product-recommendation": in_chunks(product_recommendation.chunk),
}


def generate(model: str, rows: int, seed: int) -> Iterator[pa.Table]:
    """Invented rows in the form of the model's dataset, in tables that are marked as invented.

    Raises
    ------
    ModelNotFoundError
        There is no generator for this model.
    """
    if model not in GENERATORS:
        raise ModelNotFoundError(f"no generator for this model; there are: {', '.join(GENERATORS)}")
    mark = {GENERATED_KEY: json.dumps({"model": model, "seed": seed, "rows": rows})}
    return (table.replace_schema_metadata(mark) for table in GENERATORS[model](rows, seed))


def write(
    path: Path,
    tables: Iterator[pa.Table],
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write tables as the row groups of a Parquet file, which appears once it is complete.

    Parameters
    ----------
    tables : at least one
    progress : called after each table with its rows
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    first = next(tables)
    with parquet.ParquetWriter(part, first.schema, use_dictionary=_few_values(first)) as writer:
        for table in chain([first], tables):
            writer.write_table(table)
            progress(table.num_rows)
    part.replace(path)


def _few_values(table: pa.Table) -> list[str]:
    """Columns with so few values that a dictionary makes them smaller and no slower."""
    return [
        field.name
        for field in table.schema
        if field.type == pa.int8() or pa.types.is_dictionary(field.type)
    ]
