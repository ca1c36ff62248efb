"""Builds the features of customers into a deployment: the offline table, and the online one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.output import Advance
    from features.pipeline import Pipeline
    from scoreline.core.settings import Settings

OFFLINE_FILE = "features.parquet"


@dataclass(frozen=True, slots=True)
class Built:
    """The path of the offline table, and its number of customers."""

    path: str
    rows: int


def _no_progress(_step: str, _done: int, _total: int | None) -> None:
    """Report nothing."""


def build_features(
    pipeline: Pipeline,
    tables: str,
    output: str,
    settings: Settings | None,
    *,
    online: bool,
    progress: Advance = _no_progress,
) -> Built:
    """Write the offline table, and load the online one from it.

    Parameters
    ----------
    output : a file or `s3://bucket/key`; "" for the dataset of the pipeline's model
    settings : the deployment; None if nothing is read from it or written to it
    progress : takes the step, the customers done, and their total
    """
    from features.build import build_offline, online_items
    from features.online import OnlineTable

    as_of = datetime.now(UTC)
    if not output and settings:
        output = _dataset_path(pipeline, settings)
    with TemporaryDirectory(prefix="scoreline-features-") as folder:
        remote = output.startswith("s3://")
        path = Path(folder, OFFLINE_FILE) if remote else Path(output)
        rows = build_offline(pipeline, tables, path, partial(progress, "offline"))
        if remote:
            _upload(path, output)
        if online and settings:
            table = OnlineTable.connect(settings.features_table)
            items = online_items(pipeline, path, as_of)
            table.put(items, lambda done: progress("online", done, rows))
    return Built(output, rows)


def _dataset_path(pipeline: Pipeline, settings: Settings) -> str:
    from scoreline.core.datasets import dataset_uri
    from scoreline.definition.files import load_definition

    dataset = load_definition(pipeline.name).dataset
    return dataset_uri(dataset, settings.bucket) + OFFLINE_FILE


def _upload(path: Path, uri: str) -> None:
    import boto3

    from scoreline.aws.clients import aws_errors
    from scoreline.core.datasets import split_s3

    bucket, key, _version = split_s3(uri)
    with aws_errors("S3"):
        boto3.client("s3").upload_file(str(path), bucket, key)
