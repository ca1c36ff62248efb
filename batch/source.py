"""Reads a Parquet or CSV file from beginning to end in parts of equally many rows."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv, fs, parquet

from batch.columns import is_text
from scoreline.core.errors import BatchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

END_BYTES = 1 << 16
READ_BYTES = 1 << 22
ROWS_AT_ONCE = 1 << 15


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a file from a changed one without reading it whole.

    Attributes
    ----------
    ends : SHA-256 of its first and last END_BYTES bytes
    """

    size: int
    modified_ns: int
    ends: str

    def to_json(self) -> dict[str, Any]:
        """As a journal keeps it."""
        return asdict(self)


class Source:
    """A file on the disk or at `s3://bucket/key`.

    Attributes
    ----------
    schema : names and types of its columns
    untyped : all columns are read as text, as CSV has no types
    rows : how many there are, None where only reading tells
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.untyped = path.endswith(".csv")
        if not self.untyped and not path.endswith(".parquet"):
            raise BatchError(f"{path}: neither a .parquet nor a .csv file")
        self._files, self._name = _locate(path)
        self.rows: int | None = None
        with self._reading():
            self.identity = self._identify()
            if self.untyped:
                with self._csv(None) as reader:
                    self.schema = reader.schema
            else:
                with parquet.ParquetFile(self._open()) as file:
                    self.schema, self.rows = file.schema_arrow, file.metadata.num_rows

    def parts(
        self, columns: Mapping[str, bool], part_rows: int, first: int
    ) -> Iterator[tuple[int, pa.Table]]:
        """Numbered tables of `part_rows` rows, the last one shorter, from part `first` on.

        Parameters
        ----------
        columns : those to read, and whether they hold words that come again and again
        """
        start = first * part_rows
        tables = self._csv_tables([*columns]) if self.untyped else self._tables(columns, start)
        with self._reading():
            yield from enumerate(_cut(_after(tables, start), part_rows), first)

    def _tables(self, columns: Mapping[str, bool], start: int) -> Iterator[tuple[int, pa.Table]]:
        """Tables with the number of their first row, from the row group of row `start` on."""
        words = [n for n, w in columns.items() if w and is_text(self.schema.field(n).type)]
        # buffered in advance, what has been read would stay in memory
        options: dict[str, Any] = {"buffer_size": READ_BYTES, "pre_buffer": False}
        with parquet.ParquetFile(self._open(), read_dictionary=words, **options) as file:
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
        names = csv.open_csv(self._open()).schema.names
        text = csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=columns,
            strings_can_be_null=False,
        )
        read = csv.ReadOptions(block_size=READ_BYTES)
        return csv.open_csv(self._open(), read_options=read, convert_options=text)

    def check_unchanged(self) -> None:
        """Hold the file against what it was when it was opened; a BatchError where it changed."""
        with self._reading():
            if self._identify() != self.identity:
                raise BatchError(f"{self.path}: the file has changed while it was read")

    def _open(self) -> pa.NativeFile:
        return self._files.open_input_file(self._name)

    def _identify(self) -> Identity:
        info = self._files.get_file_info(self._name)
        if info.type != fs.FileType.File:
            raise BatchError(f"{self.path}: no such file")
        with self._open() as file:
            ends = file.read(END_BYTES)
            file.seek(max(info.size - END_BYTES, 0))
            ends += file.read()
        return Identity(info.size, info.mtime_ns, hashlib.sha256(ends).hexdigest())

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            raise BatchError(f"{self.path}: the file does not read as its name says") from error


def _locate(path: str) -> tuple[fs.FileSystem, str]:
    if path.startswith("s3://"):
        endpoint = os.environ.get("AWS_ENDPOINT_URL")  # which Arrow does not read by itself
        s3 = fs.S3FileSystem(endpoint_override=endpoint)
        return s3, path.removeprefix("s3://")
    return fs.LocalFileSystem(), str(Path(path).absolute())


def _after(tables: Iterable[tuple[int, pa.Table]], start: int) -> Iterator[pa.Table]:
    """The rows from number `start` on."""
    for row, table in tables:
        if row + table.num_rows > start:
            yield table.slice(max(start - row, 0))


def _cut(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    held: list[pa.Table] = []
    missing = rows
    for table in tables:
        rest = table
        while rest.num_rows:
            held.append(rest.slice(0, missing))
            rest = rest.slice(missing)
            missing -= held[-1].num_rows
            if not missing:
                yield pa.concat_tables(held)
                held, missing = [], rows
    if held:
        yield pa.concat_tables(held)
