"""Puts a dataset into a deployment's bucket and announces it, which starts the training."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from scoreline.aws.clients import aws_errors
from scoreline.core.datasets import READY_FILE, UPLOADED_BY, s3_uri
from scoreline.definition.files import load_definition
from scoreline.jobs.jobs import TrainingRequest
from training.data.files import list_files
from training.data.ready_manifest import Ready, ReadyFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from training.data.files import DataFile


@dataclass(frozen=True, slots=True)
class Upload:
    """A dataset that was uploaded, and the job that its manifest asks for."""

    path: str
    ready: Ready
    job: str


def upload(
    model: str,
    path: str,
    bucket: str,
    who: str,
    progress: Callable[[str], None] = lambda _: None,
) -> Upload:
    """Upload a local file or folder into a new folder, the manifest `_READY.json` last.

    The manifest's metadata name the uploader, since S3's events name only the account.

    Raises
    ------
    DefinitionError
        There is no such model.
    DatasetError
        There is no data file, or one that is not valid CSV or Parquet.
    """
    load_definition(model)
    files = _files_by_name(path)
    ready = Ready.of([_described(name, file, progress) for name, file in files.items()])
    folder = f"datasets/{model}/{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    s3 = boto3.client("s3")
    with aws_errors("S3"):
        for name, file in files.items():
            progress(f"uploading {name}, {file.size:,} bytes")
            with open(file.name, "rb") as body:
                s3.put_object(Bucket=bucket, Key=f"{folder}/{name}", Body=body)
        progress(f"uploading {READY_FILE}")
        answer = s3.put_object(
            Bucket=bucket,
            Key=f"{folder}/{READY_FILE}",
            Body=ready.model_dump_json(indent=1),
            Metadata={UPLOADED_BY: who},
        )
    version = answer["VersionId"]
    request = TrainingRequest(model, s3_uri(bucket, f"{folder}/{READY_FILE}", version))
    return Upload(request.dataset_path, ready, request.job_id(version))


def _files_by_name(path: str) -> dict[str, DataFile]:
    """The data files of a path, by their names relative to it."""
    root = Path(path) if Path(path).is_dir() else Path(path).parent
    return {Path(file.name).relative_to(root).as_posix(): file for file in list_files(path)}


def _described(name: str, file: DataFile, progress: Callable[[str], None]) -> ReadyFile:
    progress(f"reading {name}")
    return ReadyFile.of(name, file.read())
