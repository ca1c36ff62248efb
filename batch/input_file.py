"""Reads a Parquet or CSV file in parts of equally many rows."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv, fs, parquet

from scoreline.arrow.columns import is_text
from scoreline.arrow.csv_dialect import (
    HEAD_BYTES,
    Dialect,
    compression_of,
    dialect_of,
    is_csv,
    problem_of,
)
from scoreline.core.errors import BatchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

END_BYTES = 1 << 16  # a Parquet file ends in metadata that any change affects
READ_BYTES = 1 << 22
ROWS_AT_ONCE = 1 << 15


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Detects a changed file without reading all of it.

    Attributes
    ----------
    ends : SHA-256 of its first and last END_BYTES bytes
    """

    size: int
    modified_ns: int
    ends: str

    def to_json(self) -> dict[str, Any]:
        """The form in which a journal keeps it."""
        return asdict(self)


class InputFile:
    """A local file, or one at `s3://bucket/key`.

    Attributes
    ----------
    schema : names and types of its columns
    untyped : whether all columns are read as text, since CSV has no types
    dialect : how a CSV file is written
    rows : number of rows, None where it is unknown until the file has been read
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.untyped = is_csv(path)
        if not self.untyped and not path.endswith(".parquet"):
            raise BatchError(f"{path}: neither a .parquet nor a .csv file")
        self._files, self._name = _locate(path)
        self.rows: int | None = None
        self.dialect = Dialect()
        with self._reading():
            self.identity = self._identify()
            if self.untyped:
                with self._stream() as stream:
                    self.dialect = dialect_of(stream.read(HEAD_BYTES), path)
                with self._csv(None) as reader:
                    self.schema = reader.schema
            else:
                with parquet.ParquetFile(self._open()) as file:
                    self.schema, self.rows = file.schema_arrow, file.metadata.num_rows

    def parts(
        self, columns: Mapping[str, bool], part_rows: int, first: int
    ) -> Iterator[tuple[int, pa.Table]]:
        """Numbered tables of `part_rows` rows, starting with part `first`; the last may be shorter.

        Parameters
        ----------
        columns : names of the columns to read, and whether each holds categories
        """
        start = first * part_rows
        tables = self._csv_tables([*columns]) if self.untyped else self._tables(columns, start)
        with self._reading():
            yield from enumerate(_cut(_after(tables, start), part_rows), first)

    def _tables(self, columns: Mapping[str, bool], start: int) -> Iterator[tuple[int, pa.Table]]:
        """Tables with the number of their first row, starting with the row group of row `start`."""
        texts = [
            name
            for name, is_category in columns.items()
            if is_category and is_text(self.schema.field(name).type)
        ]
        # Pre-buffering would keep everything that has been read in memory.
        options: dict[str, Any] = {"buffer_size": READ_BYTES, "pre_buffer": False}
        with parquet.ParquetFile(self._open(), read_dictionary=texts, **options) as file:
            row, groups = 0, list(range(file.num_row_groups))
            while groups and row + file.metadata.row_group(groups[0]).num_rows <= start:
                row += file.metadata.row_group(groups.pop(0)).num_rows
            for batch in file.iter_batches(ROWS_AT_ONCE, groups, [*columns], use_threads=False):
                yield row, pa.Table.from_batches([batch])
                row += batch.num_rows

    def _csv_tables(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        row = 0
        with self._csv(columns) as reader:
            for batch in reader:
                yield row, pa.Table.from_batches([batch])
                row += batch.num_rows

    def _csv(self, columns: Sequence[str] | None) -> csv.CSVStreamingReader:
        read, parse = self.dialect.read(block_size=READ_BYTES), self.dialect.parse
        names = csv.open_csv(self._stream(), read, parse).schema.names
        text = csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=columns,
            strings_can_be_null=False,
        )
        return csv.open_csv(self._stream(), read, parse, text)

    def check_unchanged(self) -> None:
        """Raise a BatchError if the file has changed since it was opened."""
        with self._reading():
            if self._identify() != self.identity:
                raise BatchError(f"{self.path}: the file changed while it was read")

    def _stream(self) -> pa.NativeFile:
        """The file from its beginning, decompressed."""
        return self._files.open_input_stream(self._name, compression=compression_of(self.path))

    def _open(self) -> pa.NativeFile:
        return self._files.open_input_file(self._name)

    def _identify(self) -> FileIdentity:
        info = self._files.get_file_info(self._name)
        if info.type != fs.FileType.File:
            raise BatchError(f"{self.path}: no such file")
        with self._open() as file:
            ends = file.read(END_BYTES)
            file.seek(max(info.size - END_BYTES, 0))
            ends += file.read()
        return FileIdentity(info.size, info.mtime_ns, hashlib.sha256(ends).hexdigest())

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise BatchError(f"{self.path}: {self._problem()}") from error

    def _problem(self) -> str:
        """Why the file cannot be read."""
        if self.untyped:
            with suppress(pa.ArrowException, OSError), self._stream() as stream:
                return problem_of(stream, self.dialect)
        return "the file is damaged or not of the type that its name says"


def _locate(path: str) -> tuple[fs.FileSystem, str]:
    if path.startswith("s3://"):
        endpoint = os.environ.get("AWS_ENDPOINT_URL")  # Arrow does not read this variable itself
        s3 = fs.S3FileSystem(endpoint_override=endpoint)
        return s3, path.removeprefix("s3://")
    return fs.LocalFileSystem(), str(Path(path).absolute())


def _after(tables: Iterable[tuple[int, pa.Table]], start: int) -> Iterator[pa.Table]:
    """The rows starting with number `start`."""
    for row, table in tables:
        if row + table.num_rows > start:
            yield table.slice(max(start - row, 0))


def _cut(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    # Slices share memory with the tables read; only a finished part is concatenated.
    pending: list[pa.Table] = []
    missing = rows
    for table in tables:
        rest = table
        while rest.num_rows:
            pending.append(rest.slice(0, missing))
            rest = rest.slice(missing)
            missing -= pending[-1].num_rows
            if not missing:
                yield pa.concat_tables(pending)
                pending, missing = [], rows
    if pending:
        yield pa.concat_tables(pending)
