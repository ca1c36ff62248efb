"""`_READY.json`, the manifest beside a dataset: its files, their rows and digests.

    {"files": [{"name": "2026-11.parquet", "rows": 30000, "sha256": "..."}],
     "rows": 30000,
     "digest": "..."}

`rows` is the sum over the files; `digest` is the SHA-256 of the files' hex digests in the order of
their names, which a version's manifest calls the fingerprint of its data.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Annotated, Self

import pyarrow as pa
from pyarrow import csv, parquet
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    model_validator,
)

from scoreline.core.datasets import READY_FILE
from scoreline.core.errors import DatasetError
from scoreline.core.versions import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"([\w=-][\w.=-]*/)*[A-Za-z0-9][\w.=-]*\.(csv|parquet)")
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def is_data_file(name: str) -> bool:
    """Whether a file's name, without its folder, is that of data."""
    return name.endswith((".csv", ".parquet")) and not name.startswith(("_", "."))


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("expected the path of a .csv or .parquet file below the manifest's folder")
    return name


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ReadyFile(_Strict):
    """A file: its path below the manifest's folder, its rows without a header, its SHA-256."""

    name: Annotated[str, AfterValidator(_check_name)]
    rows: PositiveInt
    sha256: Sha256

    @classmethod
    def of(cls, name: str, content: bytes) -> Self:
        """A file with this content; a DatasetError where its name or its content cannot be data."""
        try:
            return cls(name=name, rows=count_rows(name, content), sha256=digest(content))
        except ValidationError as error:
            raise DatasetError(f"{name}: {'; '.join(_explain(error))}") from None


class Ready(_Strict):
    """The manifest of a dataset."""

    files: Annotated[list[ReadyFile], Field(min_length=1)]
    rows: PositiveInt
    digest: Sha256

    @classmethod
    def of(cls, files: list[ReadyFile]) -> Self:
        """The manifest of these files."""
        return cls(files=files, rows=sum(f.rows for f in files), digest=fingerprint(files))

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if len({file.name for file in self.files}) < len(self.files):
            raise ValueError("files: a name stands twice")
        if self.rows != sum(file.rows for file in self.files):
            raise ValueError("rows: is not the sum over the files")
        if self.digest != fingerprint(self.files):
            raise ValueError("digest: is not the digest of the files' digests")
        return self


def fingerprint(files: list[ReadyFile]) -> str:
    """Digest of a dataset: of its files' digests in the order of their names."""
    in_order = sorted(files, key=lambda file: file.name)
    return digest("".join(file.sha256 for file in in_order).encode())


def read_ready(content: bytes) -> Ready:
    """A manifest; a DatasetError names every field that breaks the schema, and its rule."""
    try:
        return Ready.model_validate_json(content)
    except ValidationError as error:
        raise DatasetError(f"{READY_FILE}: {'; '.join(_explain(error))}") from None


def _explain(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_input=False, include_url=False):
        field = ".".join(map(str, problem["loc"]))
        rule = problem["msg"].removeprefix("Value error, ")
        yield f"{field}: {rule}" if field else rule


def count_rows(name: str, content: bytes) -> int:
    """Rows of a file, as training counts them; a DatasetError where it does not read."""
    try:
        if name.endswith(".parquet"):
            return int(parquet.read_metadata(io.BytesIO(content)).num_rows)
        first = csv.open_csv(io.BytesIO(content)).schema.names[0]
        only = csv.ConvertOptions(include_columns=[first], column_types={first: pa.string()})
        rows = csv.open_csv(io.BytesIO(content), convert_options=only)
        return sum(batch.num_rows for batch in rows)
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"{name}: the file does not read as its name says") from error
