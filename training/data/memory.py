"""Refuses a dataset that training cannot hold in memory, before it is read.

Lambda kills a function that outgrows its memory without a message. So the memory is estimated
beforehand from the number of rows, which the footer of a Parquet file holds, and from the columns
that the definition reads. bench/results/training_memory.json has what was measured.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

from scoreline.core.errors import DatasetError
from training.data.files import list_files
from training.data.formats import invalid_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scoreline.definition.model import Definition
    from training.data.files import DataFile

MIB = 1 << 20
LAMBDA_MAX_MB = 10_240
# Libraries, fitted trees, tables of contributions and the sessions of the parity gate: 430 MB for
# boosted trees, 650 MB for a random forest.
BASE_MB = 650
# Bytes per row at the peak, a quarter above the measurements: for a feature, for a column that is
# read as text, and for everything else.
NUMBER_BYTES = 50
TEXT_BYTES = 100
ROW_BYTES = 200
SAMPLE = 1 << 16
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def check_memory(definition: Definition, path: str, limit_mb: int | None) -> None:
    """Raise a DatasetError if training on the dataset needs more than `limit_mb`."""
    needed_mb = estimate_mb(definition, path)
    if limit_mb is not None and needed_mb > limit_mb:
        raise DatasetError(
            f"training on this dataset needs about {needed_mb:,} MB of memory, but there are"
            f" {limit_mb:,} MB: give the train function more (TrainMemoryMegabytes, up to"
            f" {LAMBDA_MAX_MB:,}), or train on a larger machine, which publishes the same bundle"
            f" (scoreline train {definition.name} --dataset ...), or on a sample of the rows"
        )


def estimate_mb(definition: Definition, path: str) -> int:
    """Memory that training needs at its peak, in MB of 1,048,576 bytes.

    The content of a file is held while it is parsed, so the largest file counts too.
    """
    files = list_files(path)
    rows = sum(count_or_guess_rows(file) for file in files)
    text = bool(definition.id) + bool(definition.group) + len(definition.targets)
    text += sum(feature.type == "category" for feature in definition.features)
    per_row = ROW_BYTES + NUMBER_BYTES * len(definition.features) + TEXT_BYTES * text
    return BASE_MB + (rows * per_row + max(file.size for file in files)) // MIB


def available_mb(environ: Mapping[str, str] = os.environ) -> int | None:
    """Memory of the function, the container or the machine; None where it is unknown."""
    function = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    if function:
        return int(function)
    # In a container sysconf tells the memory of the host, and the cgroup the container's limit.
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    limits = [pages * size] if pages > 0 else []
    if CGROUP_LIMIT.exists() and (text := CGROUP_LIMIT.read_text().strip()) != "max":
        limits.append(int(text))
    return min(limits) // MIB if limits else None


def count_or_guess_rows(file: DataFile) -> int:
    """Rows of a file: from the footer of Parquet, or from the length of a CSV's first lines."""
    if not file.name.endswith(".parquet"):
        lines = file.head(SAMPLE)
        return file.size * lines.count(b"\n") // len(lines) if lines else 0
    # A Parquet file ends in its footer, the footer's length in 4 bytes, and the magic PAR1.
    end = file.tail(SAMPLE)
    footer = int.from_bytes(end[-8:-4], "little") + 8
    if footer > len(end):
        end = file.tail(footer)
    try:
        return int(parquet.read_metadata(io.BytesIO(end)).num_rows)
    except (pa.ArrowException, OSError) as error:
        raise invalid_file(file.name) from error
