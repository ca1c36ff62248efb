"""`scoreline features`: build customers' features and describe them."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.completion import complete_pipeline
from cli.deployment import Deployment
from cli.features import build_features
from cli.options import AsJson, Stage
from cli.output import progress_bars, show
from cli.tables import features_table
from local.environment import STAGE

app = typer.Typer(help="Build customers' features, or describe them.")

PipelineName = Annotated[
    str,
    typer.Argument(
        help="Name of the feature pipeline, such as home-credit.", autocompletion=complete_pipeline
    ),
]


@app.command("list")
def list_features(pipeline: PipelineName, as_json: AsJson = False) -> None:
    """Describe each feature with its unit and the table it comes from."""
    from features.catalogue import load_pipeline

    features = [
        {"name": s.name, "description": s.description, "unit": s.unit, "table": history.table}
        for s, history in load_pipeline(pipeline).features.values()
    ]
    content = {"pipeline": pipeline, "features": features}
    show(content, features_table(pipeline, features), as_json=as_json)


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
    as_json: AsJson = False,
    stage: Stage = STAGE,
) -> None:
    """Write the offline table to Parquet and load the online table.

    Running it again replaces both, customer by customer.
    """
    from features.catalogue import load_pipeline

    chosen = load_pipeline(pipeline)
    needs_stage = online or not output
    settings = Deployment.connect(stage).registry.settings if needs_stage else None
    with progress_bars() as bars:
        built = build_features(chosen, tables, output, settings, online=online, progress=bars)
    table = settings.features_table if online and settings else None
    show(
        {"path": built.path, "rows": built.rows, "online_table": table},
        f"{built.path}: {built.rows:,} customers, {len(chosen.features)} features",
        *([f"{table}: {built.rows:,} customers"] if table else []),
        as_json=as_json,
    )
