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
    """Upload a local file or folder to a folder of its own, the manifest `_READY.json` last.

    The manifest's metadata say who, for S3's events do not.

    Raises
    ------
    DefinitionError
        There is no such model.
    DatasetError
        There is no data file, or one that is not valid CSV or Parquet.
    """
    load_definition(model)
    folder = f"datasets/{model}/{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    root = Path(path) if Path(path).is_dir() else Path(path).parent
    files = {Path(f.name).relative_to(root).as_posix(): f for f in list_files(path)}
    s3 = boto3.client("s3")
    announced = []
    for name, file in files.items():
        progress(f"reading {name}")
        announced.append(ReadyFile.of(name, file.read()))
    ready = Ready.of(announced)
    with aws_errors("S3"):
        for name, file in files.items():
            progress(f"uploading {name}, {file.size:,} bytes")
            with open(file.name, "rb") as body:
                s3.put_object(Bucket=bucket, Key=f"{folder}/{name}", Body=body)
        progress(f"uploading {READY_FILE}")
        key = f"{folder}/{READY_FILE}"
        answer = s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=ready.model_dump_json(indent=1),
            Metadata={UPLOADED_BY: who},
        )
    version = answer["VersionId"]
    request = TrainingRequest(model, s3_uri(bucket, key, version))
    return Upload(request.dataset_path, ready, request.job_id(version))
