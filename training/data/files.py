"""Finds and reads the files of a dataset, on this machine or in S3."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from scoreline.aws.clients import aws_errors
from scoreline.core.datasets import READY_FILE, is_ready_path, s3_uri, split_s3
from scoreline.core.errors import DatasetError
from scoreline.core.versions import digest
from training.data.formats import is_data_file
from training.data.ready_manifest import ReadyFile, read_ready

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef


GONE = ("NoSuchKey", "NoSuchVersion")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A CSV or Parquet file, with its entry in the dataset's manifest if there is one.

    Attributes
    ----------
    name : path, or `s3://bucket/key`
    size : bytes
    announced : the entry in `_READY.json`
    version_id : version of an object in S3; empty for the latest
    """

    name: str
    size: int
    announced: ReadyFile | None = None
    version_id: str = ""

    @classmethod
    def recorded(cls, source: Mapping[str, str]) -> DataFile:
        """The file that `source` identified."""
        return cls(source["name"], 0, version_id=source.get("version_id", ""))

    def source(self, content: bytes, version_id: str) -> dict[str, str]:
        """Name, digest and version, which identify the content in a version's manifest."""
        remote = self.name.startswith("s3://")
        name = self.name if remote else Path(self.name).resolve().as_posix()
        version = {"version_id": version_id} if version_id else {}
        return {"name": name, "sha256": digest(content), **version}

    def read(self) -> bytes:
        """The whole content; a DatasetError where it is not what the manifest announces."""
        return self.fetch()[0]

    def fetch(self) -> tuple[bytes, str]:
        """The whole content, and its version if the bucket keeps versions."""
        uri = f"{self.name}?versionId={self.version_id}" if self.version_id else self.name
        content, version_id = _fetch(uri)
        if self.announced and self.announced.sha256 != digest(content):
            raise DatasetError(f"{self.name}: its SHA-256 is not the one in {READY_FILE}")
        return content, version_id

    def head(self, size: int) -> bytes:
        """The first bytes."""
        return _read(self.name, 0, min(size, self.size))

    def tail(self, size: int) -> bytes:
        """The last bytes."""
        return _read(self.name, max(self.size - size, 0), self.size)

    def check_rows(self, rows: int) -> None:
        """Raise a DatasetError where the manifest announces another number of rows."""
        if self.announced and self.announced.rows != rows:
            raise DatasetError(
                f"{self.name}: holds {rows:,} rows, {READY_FILE} says {self.announced.rows:,}"
            )


def list_files(path: str) -> list[DataFile]:
    """The files of a dataset in the order of their names.

    Parameters
    ----------
    path : a CSV or Parquet file; a folder of them, with its partitions `key=value/` but without
        other folders, which are other datasets; or a manifest `_READY.json`, which lists the files
        of the dataset. The path is local or `s3://bucket/key`; that of a manifest may end in
        `?versionId=`

    Raises
    ------
    DatasetError
        There is no file, or a file of the manifest is missing.
    """
    if is_ready_path(path):
        return _files_of_manifest(path)
    root = path if path.startswith("s3://") else Path(path).as_posix()
    found = sorted(_list(path).items())
    files = [DataFile(name, size) for name, size in found if _is_part(name.removeprefix(root))]
    if not files:
        raise DatasetError(f"{path}: no .csv or .parquet file here or in partitions key=value/")
    return files


def _is_part(name: str) -> bool:
    """Whether a file, named relative to its dataset's folder, lies in it or in a partition."""
    return all("=" in folder for folder in name.strip("/").split("/")[:-1])


def _files_of_manifest(path: str) -> list[DataFile]:
    ready = read_ready(_read(path))
    found = _list(_sibling(path, ""))
    announced = {_sibling(path, file.name): file for file in ready.files}
    missing = sorted(announced.keys() - found.keys())
    if missing:
        raise DatasetError(f"{READY_FILE} names files that do not exist: {', '.join(missing)}")
    return [DataFile(name, found[name], announced[name]) for name in sorted(announced)]


def _sibling(path: str, name: str) -> str:
    """The path of a file in the same folder."""
    if path.startswith("s3://"):
        bucket, key, _ = split_s3(path)
        return s3_uri(bucket, key.removesuffix(READY_FILE) + name)
    return (Path(path).parent / name).as_posix()


def _list(path: str) -> dict[str, int]:
    """Name -> size of the data files at or under a path."""
    return dict(_list_s3(path) if path.startswith("s3://") else _list_local(path))


def _list_local(path: str) -> Iterator[tuple[str, int]]:
    root = Path(path)
    if not root.exists():
        raise DatasetError(f"{path}: no such file or folder")
    for file in [root] if root.is_file() else root.rglob("*"):
        if file.is_file() and is_data_file(file.name):
            yield file.as_posix(), file.stat().st_size


def _list_s3(path: str) -> Iterator[tuple[str, int]]:
    bucket, prefix, _ = split_s3(path)
    # A prefix of keys is not a folder: datasets/sample must not list datasets/sample-2/.
    folder = prefix if prefix.endswith("/") or not prefix else prefix + "/"
    with aws_errors("S3"):
        pages = boto3.client("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                key = item["Key"]
                inside = key == prefix or key.startswith(folder)
                if inside and is_data_file(key.rsplit("/", 1)[-1]):
                    yield s3_uri(bucket, key), item["Size"]


def _read(name: str, start: int = 0, stop: int | None = None) -> bytes:
    """The bytes of a file from `start` to `stop`, or all of them."""
    return _fetch(name, start, stop)[0]


def _fetch(name: str, start: int = 0, stop: int | None = None) -> tuple[bytes, str]:
    """The bytes, and the version of an object in S3 if it has one."""
    if not name.startswith("s3://"):
        try:
            with open(name, "rb") as file:
                file.seek(start)
                return file.read(None if stop is None else stop - start), ""
        except FileNotFoundError:
            raise DatasetError(f"{name}: no such file or folder") from None
    s3 = boto3.client("s3")
    with aws_errors("S3"):
        try:
            found = s3.get_object(**_request(name, start, stop))
            return found["Body"].read(), found.get("VersionId", "")
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise
            raise DatasetError(f"{name}: no such object") from None


def _request(uri: str, start: int, stop: int | None) -> GetObjectRequestTypeDef:
    bucket, key, version = split_s3(uri)
    request: GetObjectRequestTypeDef = {"Bucket": bucket, "Key": key}
    if version:
        request["VersionId"] = version
    if stop is not None:
        request["Range"] = f"bytes={start}-{stop - 1}"
    return request
