"""`_READY.json`, the manifest of a dataset: its files with their rows and digests.

    {"files": [{"name": "2026-11.parquet", "rows": 30000, "sha256": "..."}],
     "rows": 30000,
     "digest": "..."}

`rows` is the sum over the files. `digest` is the SHA-256 of the files' hex digests in the order of
their names; a version's manifest calls it the fingerprint of its data.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Self

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
from training.data.formats import count_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"([\w=-][\w.=-]*/)*[A-Za-z0-9][\w.=-]*\.(csv|parquet)")
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("expected the path of a .csv or .parquet file below the manifest's folder")
    return name


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ReadyFile(_Strict):
    """A file: its path below the manifest's folder, its rows without the header, its SHA-256."""

    name: Annotated[str, AfterValidator(_check_name)]
    rows: PositiveInt
    sha256: Sha256

    @classmethod
    def of(cls, name: str, content: bytes) -> Self:
        """The entry of a file with this content; a DatasetError where it is not a data file."""
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
    def _check_sums(self) -> Self:
        if len({file.name for file in self.files}) < len(self.files):
            raise ValueError("files: a name is given twice")
        if self.rows != sum(file.rows for file in self.files):
            raise ValueError("rows: is not the sum over the files")
        if self.digest != fingerprint(self.files):
            raise ValueError("digest: is not the digest of the files' digests")
        return self


def fingerprint(files: list[ReadyFile]) -> str:
    """Digest of a dataset: the digest of its files' digests in the order of their names."""
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
