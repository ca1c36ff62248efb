"""How a CSV file is written: delimiter, encoding and decimal mark, found in its first bytes.

Training, drafting and batch scoring read the same file the same way.
"""

from __future__ import annotations

import csv as rows_of
import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUFFIXES = (".csv", ".tsv")
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
HEAD_BYTES = 1 << 16
SAMPLE_LINES = 20
DELIMITERS = (",", ";", "\t", "|")
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf8"}
NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
DECIMAL_COMMA = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+),\d+")
DECIMAL_POINT = re.compile(r"[+-]?\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written.

    Attributes
    ----------
    decimal : the mark before the decimals of a number
    """

    delimiter: str = ","
    encoding: str = "utf8"
    decimal: str = "."

    @property
    def parse(self) -> csv.ParseOptions:
        """Options for Arrow's parser."""
        return csv.ParseOptions(delimiter=self.delimiter)

    def read(self, **options: Any) -> csv.ReadOptions:
        """Options for Arrow's reader."""
        return csv.ReadOptions(encoding=self.encoding, **options)

    @property
    def remark(self) -> str:
        """What differs from a usual CSV file, in words; empty where nothing does."""
        parts = []
        if self.delimiter != ",":
            parts.append(f"separated by {NAMES[self.delimiter]}")
        if self.encoding != "utf8":
            parts.append(f"encoded as {self.encoding}")
        if self.decimal != ".":
            parts.append("with decimal commas")
        return ", ".join(parts)


def is_csv(name: str) -> bool:
    """Whether a file's name is that of a CSV file, compressed or not."""
    return plain_name(name).endswith(SUFFIXES)


def compression_of(name: str) -> str | None:
    """The compression that a file's name says."""
    return next((kind for end, kind in COMPRESSIONS.items() if name.endswith(end)), None)


def plain_name(name: str) -> str:
    """A file's name without the end that names its compression."""
    return next((name.removesuffix(end) for end in COMPRESSIONS if name.endswith(end)), name)


def dialect_of(head: bytes, name: str = "") -> Dialect:
    """The dialect of a file with these first bytes; that of a usual CSV file where they are few.

    Parameters
    ----------
    head : up to HEAD_BYTES bytes, decompressed
    """
    encoding = _encoding(head)
    text = head.decode(encoding, errors="replace").removeprefix("\ufeff")
    lines = text.splitlines()[:SAMPLE_LINES]
    if len(head) >= HEAD_BYTES:
        lines = lines[:-1] or lines  # the last one may be cut
    delimiter = "\t" if plain_name(name).endswith(".tsv") else _delimiter(lines)
    return Dialect(delimiter, encoding, _decimal(lines, delimiter))


def _encoding(head: bytes) -> str:
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    try:
        head.decode("utf8")
    except UnicodeDecodeError as error:
        # A character may be cut at the end of the first bytes.
        return "utf8" if error.start >= len(head) - 3 and len(head) >= HEAD_BYTES else "cp1252"
    return "utf8"


def _delimiter(lines: list[str]) -> str:
    """The delimiter that cuts all lines into equally many fields, of several the most fields."""
    best, most = ",", 1
    for delimiter in DELIMITERS:
        try:
            fields = [len(row) for row in rows_of.reader(lines, delimiter=delimiter)]
        except rows_of.Error:
            continue
        if fields and fields[0] > most and sum(n == fields[0] for n in fields) > len(fields) / 2:
            best, most = delimiter, fields[0]
    return best


def _decimal(lines: list[str], delimiter: str) -> str:
    if delimiter == ",":
        return "."
    cells = [cell.strip() for row in rows_of.reader(lines[1:], delimiter=delimiter) for cell in row]
    commas = sum(DECIMAL_COMMA.fullmatch(cell) is not None for cell in cells)
    points = sum(DECIMAL_POINT.fullmatch(cell) is not None for cell in cells)
    return "," if commas > points else "."


def seems_headless(names: Sequence[str]) -> bool:
    """Whether the names of columns seem to be the values of a first row."""
    return any(NUMBER.fullmatch(name.strip()) for name in names)


def problem_of(stream: IO[bytes] | pa.NativeFile, dialect: Dialect) -> str:
    """Why Arrow could not read a CSV file, in words that repeat nothing of it.

    Parameters
    ----------
    stream : the file from its beginning, decompressed
    """
    bad: list[csv.InvalidRow] = []

    def keep(row: csv.InvalidRow) -> str:
        bad.append(row)
        return "skip"

    parse = csv.ParseOptions(delimiter=dialect.delimiter, invalid_row_handler=keep)
    try:
        for _ in _batches(stream, dialect.read(use_threads=False), parse):
            if bad:
                break
    except UnicodeDecodeError:
        return f"is not {dialect.encoding} text"
    except pa.ArrowException as error:
        if "Empty CSV file" in str(error):
            return "is empty"
        return f"is not {dialect.encoding} text" if "UTF8" in str(error) else "is not a CSV file"
    if not bad:
        return "is not a CSV file"
    row = bad[0]
    place = f"line {row.number:,} (row {row.number - 1:,})" if row.number else "a row"
    return f"{place} has {row.actual_columns} fields in place of {row.expected_columns}"


def _batches(
    stream: IO[bytes] | pa.NativeFile, read: csv.ReadOptions, parse: csv.ParseOptions
) -> Iterator[pa.RecordBatch]:
    names = csv.ConvertOptions(check_utf8=True)
    yield from csv.open_csv(stream, read_options=read, parse_options=parse, convert_options=names)
