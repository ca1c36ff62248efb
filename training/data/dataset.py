"""Reads a dataset from a path or S3 and holds it against the definition, row by row."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from scoreline.arrow.columns import NULLS, as_text, coded
from scoreline.core.categories import CategoryCodes
from scoreline.core.contract import UNSEEN_CATEGORY
from scoreline.core.datasets import GENERATED_KEY
from scoreline.core.errors import DatasetError
from scoreline.core.versions import digest
from training.data.files import list_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from scoreline.core.contract import Feature
    from scoreline.definition.model import Definition, TargetColumn
    from training.data.files import DataFile

# A definition that refuses more than this share of the labelled rows does not describe the data.
MAX_REFUSED_SHARE = 0.10
MISSING_LABEL = "the label is missing"
DUPLICATED_ROW = "duplicate of an earlier row"
CONFLICTING_ID = "rows with this id contradict each other"


@dataclass(frozen=True)
class Dataset:
    """Rows that may be fitted, and an account of those that may not.

    Attributes
    ----------
    X : float32 of shape (n_rows, n_features); categories as codes, missing values as NaN
    y : int8, 1 is default, of shape (n_rows,); for a recommendation 1 is owned, (n_rows, n_labels)
    time : what the time split orders by, of shape (n_rows,), or None
    dated : whether the time is a date, in microseconds since 1970
    protected : name -> values of a protected feature as text, of shape (n_rows,)
    exclusions : rule -> number of rows left out for it
    unseen : feature -> number of rows whose category is not listed, where it accepts such
    no_amount : feature -> special code, or "missing" -> number of rows
    sources : where each file lies, its version in S3 if it has one, and its SHA-256
    generated : model, seed and rows of each file that is invented
    rows : positions in what was read, of shape (n_rows,), rising
    late : column that is known at some time -> rows where that is after the decision
    """

    X: NDArray[np.float32]
    y: NDArray[np.int8]
    time: NDArray[np.float64] | None
    protected: dict[str, NDArray[np.str_]]
    rows_read: int
    exclusions: dict[str, int]
    unseen: dict[str, int]
    no_amount: dict[str, dict[str, int]]
    fingerprint: str
    rows: NDArray[np.int64]
    late: dict[str, int]
    files: list[str] = field(default_factory=list)
    sources: list[dict[str, str]] = field(default_factory=list)
    generated: list[dict[str, Any]] = field(default_factory=list)
    dated: bool = False

    def take(self, rows: NDArray[np.int64]) -> Dataset:
        """Some of the rows; the account stays that of the whole."""
        return replace(
            self,
            X=self.X[rows],
            y=self.y[rows],
            rows=self.rows[rows],
            time=None if self.time is None else self.time[rows],
            protected={name: values[rows] for name, values in self.protected.items()},
        )


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
    columns = _columns(definition)
    tables, sources = [], []
    generated: list[dict[str, Any]] = []
    for file in files:
        content, version_id = file.fetch()
        sources.append(file.source(content, version_id))
        tables.append(_read(file.name, content, columns))
        file.check_rows(tables[-1].num_rows)
        generated.extend(_mark(file.name, content))
        del content
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise DatasetError("a column has another type in another file") from error
    fingerprint = digest("".join(source["sha256"] for source in sources).encode())
    dataset = _check(definition, table, fingerprint, [file.name for file in files])
    del tables, table
    pa.default_memory_pool().release_unused()
    return replace(dataset, sources=sources, generated=generated)


# Reading


def _columns(definition: Definition) -> dict[str, bool]:
    """Needed columns of the dataset -> whether they are read as text."""
    columns = {target.column: True for target in definition.targets}
    if definition.id:
        columns[definition.id] = True
    if definition.split.column:
        columns[definition.split.column] = False
    for column in definition.gates.times:
        columns[column] = False
    for feature in definition.features:
        columns[feature.dataset_column] = feature.type == "category" or feature.protected
    return columns


def _read(name: str, content: bytes, columns: dict[str, bool]) -> pa.Table:
    try:
        present = _present(name, content)
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
            strings_can_be_null=False,
        )
        return _with_text(csv.read_csv(io.BytesIO(content), convert_options=options), columns)
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"{name}: the file does not read as its name says") from error


def _present(name: str, content: bytes) -> list[str]:
    if name.endswith(".parquet"):
        return list(parquet.read_schema(io.BytesIO(content)).names)
    return list(csv.open_csv(io.BytesIO(content)).schema.names)


def _mark(name: str, content: bytes) -> Iterator[dict[str, Any]]:
    """What an invented file says of itself."""
    if name.endswith(".parquet"):
        mark = (parquet.read_schema(io.BytesIO(content)).metadata or {}).get(GENERATED_KEY)
        if mark is not None:
            yield json.loads(mark)


# Checking


class _Rows:
    """Which rows are still in, and why the others are not."""

    def __init__(self, count: int) -> None:
        self.kept = np.ones(count, bool)
        self.exclusions: dict[str, int] = {}

    def exclude(self, rows: NDArray[np.bool_], rule: str) -> None:
        rows = rows & self.kept
        if rows.any():
            self.exclusions[rule] = int(rows.sum())
            self.kept &= ~rows


def _check(definition: Definition, table: pa.Table, fingerprint: str, files: list[str]) -> Dataset:
    rows = _Rows(table.num_rows)
    y = np.column_stack([_labels(target, table, rows) for target in definition.targets])
    time = _time(definition, table, rows)
    if definition.id:
        _exclude_duplicates(definition, table, rows)
    labelled = int(rows.kept.sum())
    X = np.empty((table.num_rows, len(definition.inputs)), np.float32)
    for position, feature in enumerate(definition.inputs):
        X[:, position] = _encode(feature, table, rows)
    kept = int(rows.kept.sum())
    if kept == 0:
        raise DatasetError(f"no rows left{_account(rows)}")
    if labelled - kept > MAX_REFUSED_SHARE * labelled:
        raise DatasetError(f"over {MAX_REFUSED_SHARE:.0%} of rows break it{_account(rows)}")
    y = y[rows.kept]
    if (y == y[0]).all():
        names = ", ".join(target.column for target in definition.targets)
        raise DatasetError(f"{names}: the rows hold one class only")
    if kept < len(X):
        X = X[rows.kept]
    return Dataset(
        X=X,
        y=y[:, 0] if definition.task == "default" else y,
        time=None if time is None else time[rows.kept],
        protected={
            f.name: np.array(table[f.dataset_column].to_pylist(), dtype=object).astype(str)[
                rows.kept
            ]
            for f in definition.protected
        },
        rows_read=table.num_rows,
        exclusions=rows.exclusions,
        unseen=_unseen(definition, X),
        no_amount=dict(_no_amount(definition, X)),
        fingerprint=fingerprint,
        rows=np.flatnonzero(rows.kept),
        late=_late(definition, table, rows.kept),
        files=files,
        dated=time is not None and not _is_number(table[definition.split.column].type),
    )


def _unseen(definition: Definition, X: NDArray[np.float32]) -> dict[str, int]:
    counts = {
        feature.name: int((X[:, position] == UNSEEN_CATEGORY).sum())
        for position, feature in enumerate(definition.inputs)
        if feature.type == "category"
    }
    return {name: count for name, count in counts.items() if count}


def _no_amount(
    definition: Definition, X: NDArray[np.float32]
) -> Iterator[tuple[str, dict[str, int]]]:
    for feature, column in zip(definition.inputs, X.T, strict=True):
        codes = (feature.special_codes or {}).items()
        counts = {name: int((column == np.float32(code)).sum()) for name, code in codes}
        counts["missing"] = int(np.isnan(column).sum())
        if any(counts.values()):
            yield feature.name, {name: count for name, count in counts.items() if count}


def _account(rows: _Rows) -> str:
    return "".join(f"; {count} rows: {rule}" for rule, count in rows.exclusions.items())


def _labels(target: TargetColumn, table: pa.Table, rows: _Rows) -> NDArray[np.int8]:
    text = table[target.column]
    text = pc.if_else(pc.is_in(text, pa.array(["True", "False"])), pc.utf8_lower(text), text)
    happened = pc.is_in(text, pa.array(target.positive))
    known = pc.or_(happened, pc.is_in(text, pa.array(target.negative)))
    unknown = pc.sum(pc.and_(pc.invert(known), pc.is_valid(text))).as_py()
    if unknown:
        raise DatasetError(f"{target.column}: {unknown} rows hold a label that is not defined")
    rows.exclude(_numpy(pc.is_null(text)), f"{target.column}: {MISSING_LABEL}")
    return _numpy(happened).astype(np.int8)


def _exclude_duplicates(definition: Definition, table: pa.Table, rows: _Rows) -> None:
    """Of equal rows the first stays; of rows that share an id and differ none does."""
    frame = table.to_pandas()[rows.kept]
    positions = np.flatnonzero(rows.kept)

    def mask(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        whole = np.zeros(len(rows.kept), bool)
        whole[positions[flags]] = True
        return whole

    missing = frame[definition.id].isna().to_numpy()
    repeated = frame.duplicated().to_numpy()
    same_id = frame[~repeated].duplicated(definition.id, keep=False)
    conflicting = same_id.reindex(frame.index, fill_value=False).to_numpy()
    rows.exclude(mask(missing), f"{definition.id}: the id is missing")
    rows.exclude(mask(repeated), f"{definition.id}: {DUPLICATED_ROW}")
    rows.exclude(mask(conflicting), f"{definition.id}: {CONFLICTING_ID}")


def _encode(feature: Feature, table: pa.Table, rows: _Rows) -> NDArray[np.float32]:
    values = (_codes if feature.type == "category" else _amounts)(feature, table)
    missing = np.isnan(values)
    if not feature.nullable:
        rows.exclude(missing, f"{feature.name}: is required")
    for rule, breaks in _rules(feature):
        with np.errstate(invalid="ignore"):
            rows.exclude(breaks(values) & ~missing, f"{feature.name}: {rule}")
    with np.errstate(over="ignore"):  # such rows are out already
        return values.astype(np.float32)


def _rules(
    feature: Feature,
) -> Iterable[tuple[str, Callable[[NDArray[np.float64]], NDArray[np.bool_]]]]:
    if feature.type == "category":
        if feature.unseen == "refuse":
            yield "is not among the categories", lambda v: v == UNSEEN_CATEGORY
        return
    low, high = feature.range
    specials = feature.specials
    yield "is out of range", lambda v: ~(((v >= low) & (v <= high)) | np.isin(v, specials))
    if feature.type != "number":
        yield "is not an integer", lambda v: v != np.round(v)


def _codes(feature: Feature, table: pa.Table) -> NDArray[np.float64]:
    categories = CategoryCodes(feature)

    def code(text: str) -> float:
        return np.nan if categories.is_blank(text) else categories.code_of_cell(text)

    return coded(table[feature.dataset_column], code)


def _amounts(feature: Feature, table: pa.Table) -> NDArray[np.float64]:
    column = _numbers_in_text(table[feature.dataset_column])
    kind = column.type
    if not (_is_number(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)):
        raise DatasetError(
            f"{feature.dataset_column}: wrong type: {feature.type} expected, {kind} found"
        )
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    return _numpy(pc.fill_null(column.cast(pa.float64(), safe=False), float("nan")))


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _numbers_in_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers where text holds nothing else, spaces and words for a missing value aside."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    text = pc.utf8_trim_whitespace(column)
    try:
        missing = pc.is_in(text, pa.array(NULLS, text.type))
        return pc.if_else(missing, None, text).cast(pa.float64())
    except pa.ArrowInvalid:
        return column


def _with_text(table: pa.Table, columns: dict[str, bool]) -> pa.Table:
    """The columns in their order, those that are read as text turned into it."""
    return pa.table(
        {name: as_text(table[name]) if text else table[name] for name, text in columns.items()}
    )


def _time(definition: Definition, table: pa.Table, rows: _Rows) -> NDArray[np.float64] | None:
    column = definition.split.column
    if not column:
        return None
    times = _times(table, column)
    rows.exclude(~np.isfinite(times), f"{column}: the time to split by is missing")
    return times


def _late(definition: Definition, table: pa.Table, kept: NDArray[np.bool_]) -> dict[str, int]:
    gates = definition.gates
    if not gates.decision_time:
        return {}
    decided = _times(table, gates.decision_time)[kept]
    return {
        column: int((_times(table, column)[kept] > decided).sum()) for column in gates.known_times
    }


def _times(table: pa.Table, column: str) -> NDArray[np.float64]:
    """Times in microseconds, or numbers as they are; NaN where missing."""
    values = table[column]
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        try:
            values = values.cast(pa.timestamp("us"))
        except pa.ArrowInvalid as error:
            raise DatasetError(f"{column}: wrong type: a time or a number expected") from error
    if pa.types.is_temporal(values.type):
        values = values.cast(pa.timestamp("us")).cast(pa.int64())
    return _numpy(pc.fill_null(values.cast(pa.float64(), safe=False), float("nan")))


def _numpy(values: pa.ChunkedArray) -> NDArray[Any]:
    return np.asarray(values.combine_chunks().to_numpy(zero_copy_only=False))
