"""`scoreline features`: builds the features of customers, and says what they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import boto3
import typer
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from cli.console import err, out
from cli.deployment import Deployment
from cli.tables import features_table
from local.environment import STAGE
from scoreline.aws.clients import aws_errors
from scoreline.core.datasets import dataset_uri

if TYPE_CHECKING:
    from collections.abc import Callable

    from features.pipeline import Pipeline
    from scoreline.core.settings import Settings

app = typer.Typer(help="Features of customers, made of the tables of their past.")
OFFLINE_FILE = "features.parquet"

PipelineName = Annotated[
    str, typer.Argument(help="Name of the feature pipeline, such as home-credit.")
]


@app.command("list")
def list_features(pipeline: PipelineName) -> None:
    """Say what each feature is, in which unit, and of which table it is made."""
    from features.catalogue import load_pipeline

    out.print(features_table(load_pipeline(pipeline)))


@app.command()
def build(
    pipeline: PipelineName,
    tables: Annotated[
        str, typer.Option(help="Folder of Parquet files, or postgresql://... of the warehouse.")
    ],
    output: Annotated[
        str, typer.Option(help="Offline table: a file or s3://; the model's dataset by default.")
    ] = "",
    online: Annotated[bool, typer.Option(help="Load the online table too.")] = True,
    stage: Annotated[
        str,
        typer.Option(
            envvar="SCORELINE_STAGE",
            help="Deployment: local, or a stage in the account of your AWS environment.",
        ),
    ] = STAGE,
) -> None:
    """Write the offline table to Parquet and load the online table.

    Running it again replaces both, customer by customer.
    """
    from features.catalogue import load_pipeline

    chosen = load_pipeline(pipeline)
    needs_stage = online or not output
    settings = Deployment.connect(stage).registry.settings if needs_stage else None
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err) as shown:
        steps: dict[str, int] = {}

        def progress(step: str, done: int, total: int) -> None:
            if step not in steps:
                steps[step] = shown.add_task(step)
            shown.update(steps[step], completed=done, total=total)

        built = build_features(chosen, tables, output, settings, online=online, progress=progress)
    out.print(f"{built.path}: {built.rows:,} customers, {len(chosen.features)} features")
    if online and settings:
        out.print(f"{settings.features_table}: {built.rows:,} customers")


@dataclass(frozen=True, slots=True)
class Built:
    """Where the offline table lies, and how many customers it has."""

    path: str
    rows: int


def build_features(
    pipeline: Pipeline,
    tables: str,
    output: str,
    settings: Settings | None,
    *,
    online: bool,
    progress: Callable[[str, int, int], None] = lambda _step, _done, _of: None,
) -> Built:
    """Write the offline table, and load the online one from it.

    Parameters
    ----------
    output : a file or `s3://bucket/key`; "" for the dataset of the pipeline's model
    settings : the deployment, None where nothing of it is needed
    progress : told the step, what is done, and of how much
    """
    from features.build import build_offline, online_items
    from features.online import OnlineTable
    from scoreline.definition.model import load_definition

    as_of = datetime.now(UTC)
    if not output and settings:
        dataset = dataset_uri(load_definition(pipeline.name).dataset, settings.bucket)
        output = f"{dataset}{OFFLINE_FILE}"
    with TemporaryDirectory(prefix="scoreline-features-") as folder:
        remote = output.startswith("s3://")
        path = Path(folder, OFFLINE_FILE) if remote else Path(output)
        rows = build_offline(pipeline, tables, path, lambda n, of: progress("offline", n, of))
        if remote:
            url = urlsplit(output)
            with aws_errors("S3"):
                boto3.client("s3").upload_file(str(path), url.netloc, url.path.lstrip("/"))
        if online and settings:
            table = OnlineTable.connect(settings.features_table)
            items = online_items(pipeline, path, as_of)
            table.put(items, lambda n: progress("online", n, rows))
    return Built(output, rows)
