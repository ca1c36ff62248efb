"""Reads a dataset from files or S3 and checks every row against the definition."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from scoreline.core.errors import DatasetError
from scoreline.core.versions import digest
from scoreline.definition.model import DefaultDefinition
from scoreline.definition.splits import TimeSplit
from training.data.columns import (
    generated_marks,
    needed_columns,
    read_columns,
)
from training.data.dataset import Dataset
from training.data.decision_times import decision_times, late_rows, observation_times
from training.data.encoding import encode_feature, encode_labels
from training.data.exclusions import Exclusions, exclude_duplicates, exclude_missing
from training.data.files import list_files
from training.data.identities import identities_of_ids, identities_of_places
from training.data.loan_values import loan_values
from training.data.units import content_units
from training.data.unseen import unlisted_problems, unseen_rows
from training.data.weights import relative_weights, row_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from scoreline.definition.model import Definition
    from training.data.files import DataFile

# A definition that refuses more than this share of the labelled rows does not describe the data.
MAX_REFUSED_SHARE = 0.10


def load_dataset(definition: Definition, path: str) -> Dataset:
    """Read and check a dataset.

    Parameters
    ----------
    path : a CSV or Parquet file, a folder of them, or a manifest `_READY.json` that lists them,
        local or `s3://bucket/key`

    Raises
    ------
    DatasetError
        The files are not those of the manifest; missing column, wrong type, no rows, one class, or
        too many rows that break the definition.
    """
    return read_dataset(definition, list_files(path))


def read_dataset(definition: Definition, files: Sequence[DataFile]) -> Dataset:
    """Read and check the files of a dataset; see `load_dataset`."""
    columns = needed_columns(definition)
    tables, sources = [], []
    generated: list[dict[str, Any]] = []
    for file in files:
        content, version_id = file.fetch()
        sources.append(file.source(content, version_id))
        tables.append(read_columns(file.name, content, columns))
        file.check_rows(tables[-1].num_rows)
        generated.extend(generated_marks(file.name, content))
        del content  # before the next file is read
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise DatasetError("a column has another type in another file") from error
    shas = [source["sha256"] for source in sources]
    places = zip(shas, (part.num_rows for part in tables), strict=True)
    column = definition.group or definition.id
    identities = identities_of_ids(table[column]) if column else identities_of_places(places)
    fingerprint = digest("".join(shas).encode())
    dataset = _check(definition, table, identities, fingerprint, [file.name for file in files])
    # Arrow keeps freed memory for reuse, but the fit needs it for numpy.
    del tables, table
    pa.default_memory_pool().release_unused()
    return replace(dataset, sources=sources, generated=generated)


def _check(
    definition: Definition,
    table: pa.Table,
    identities: NDArray[np.uint64],
    fingerprint: str,
    files: list[str],
) -> Dataset:
    exclusions = Exclusions(table.num_rows)
    y = np.column_stack([encode_labels(target, table, exclusions) for target in definition.targets])
    decided = observed = None
    if isinstance(definition.split, TimeSplit):
        decided = decision_times(definition.split, table, exclusions)
        observed = observation_times(definition.split, decided, table, exclusions)
    weight = row_weights(definition.weight, table, exclusions)
    if definition.id:
        exclude_duplicates(definition.id, table, exclusions)
    # Missing labels and duplicates are ordinary; broken ranges beyond these point to a wrong file.
    labelled = int(exclusions.kept.sum())
    X = _encoded(definition, table, exclusions)
    kept = exclusions.kept
    y = y[kept]
    _check_rows(definition, y, labelled, exclusions)
    if len(y) < len(X):  # without exclusions a copy of all rows would be wasted
        X = X[kept]
    rows = np.flatnonzero(kept)
    dataset = Dataset(
        X=X,
        y=y[:, 0] if definition.task == "default" else y,
        time=None if decided is None else decided.values[kept],
        protected=dict(_protected_values(definition, table, kept)),
        rows_read=table.num_rows,
        exclusions=exclusions.counts,
        first_excluded=exclusions.first,
        unseen=unseen_rows(definition.inputs, X),
        unlisted=tuple(unlisted_problems(definition.inputs, table, rows, X)),
        no_amount=dict(_no_amount(definition, X)),
        fingerprint=fingerprint,
        rows=rows,
        late=late_rows(definition.gates, definition.split, table, kept),
        identities=identities[kept],
        identity=definition.group or definition.id,
        files=files,
        dated=decided is not None and decided.dated,
        observed=None if observed is None else observed[kept],
        weight=None if weight is None else relative_weights(definition.weight, weight[kept]),
    )
    return _with_values(definition, table, _with_units(definition, dataset))


def _encoded(
    definition: Definition, table: pa.Table, exclusions: Exclusions
) -> NDArray[np.float32]:
    """The input, shape (n_rows, n_features); rows that break the definition are left out."""
    for column, name in ((definition.id, "id"), (definition.group, "group")):
        if column:
            exclude_missing(column, name, table, exclusions)
    X = np.empty((table.num_rows, len(definition.inputs)), np.float32)
    for position, feature in enumerate(definition.inputs):
        X[:, position] = encode_feature(feature, table, exclusions)
    return X


def _with_units(definition: Definition, dataset: Dataset) -> Dataset:
    """The dataset with the units of its rows: of the group, of the id, or of equal rows."""
    unit: NDArray[np.uint64] | None = dataset.identities
    repeated = 0
    if not definition.id:
        times = () if dataset.time is None else (dataset.time,)
        features = [dataset.X, *dataset.protected.values(), *times]
        unit, repeated = content_units(features, dataset.y.reshape(len(dataset.y), -1))
    if definition.group:
        unit = dataset.identities
    return replace(dataset, unit=unit, repeated=repeated)


def _with_values(definition: Definition, table: pa.Table, dataset: Dataset) -> Dataset:
    """The dataset with the money that each row brings, where the definition says so."""
    if not isinstance(definition, DefaultDefinition) or definition.economics is None:
        return dataset
    value = loan_values(definition.economics, table, dataset.y, dataset.rows)
    return replace(dataset, value=value)


def _check_rows(
    definition: Definition, y: NDArray[np.int8], labelled: int, exclusions: Exclusions
) -> None:
    """Raise a DatasetError where the rows that are kept cannot be trained on."""
    if not len(y):
        raise DatasetError(f"no rows left{exclusions.describe()}")
    if labelled - len(y) > MAX_REFUSED_SHARE * labelled:
        raise DatasetError(
            f"over {MAX_REFUSED_SHARE:.0%} of the rows break the definition{exclusions.describe()}"
        )
    if (y == y[0]).all():
        names = ", ".join(target.column for target in definition.targets)
        raise DatasetError(f"{names}: the rows hold one class only")


def _protected_values(
    definition: Definition, table: pa.Table, kept: NDArray[np.bool_]
) -> Iterator[tuple[str, NDArray[np.str_]]]:
    for feature in definition.protected:
        values = np.array(table[feature.dataset_column].to_pylist(), dtype=object)
        yield feature.name, values.astype(str)[kept]


def _no_amount(
    definition: Definition, X: NDArray[np.float32]
) -> Iterator[tuple[str, dict[str, int]]]:
    for feature, column in zip(definition.inputs, X.T, strict=True):
        codes = (feature.special_codes or {}).items()
        counts = {name: int((column == np.float32(code)).sum()) for name, code in codes}
        counts["missing"] = int(np.isnan(column).sum())
        if any(counts.values()):
            yield feature.name, {name: count for name, count in counts.items() if count}
