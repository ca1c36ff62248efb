"""Commands that train, upload and compare: what a data scientist runs before a version exists."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.definition_files import chosen_definition
from cli.deployment import Deployment
from cli.mlflow_log import log_version
from cli.options import AsJson, Dataset, DefinitionFile, Model, ModelOrNone, Stage
from cli.output import progress_bars, remark, show, status
from cli.tables import comparison_table, gates_table, metrics_table, profit_table
from local.environment import STAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scoreline.definition.model import Definition

app = typer.Typer()

REJECTED = 3


@app.command()
def train(
    model: ModelOrNone = "",
    dataset: Dataset = "",
    definition: DefinitionFile = "",
    fail_on_rejected: Annotated[
        bool,
        typer.Option(
            "--fail-on-rejected",
            help=f"Exit with {REJECTED} if the published version did not pass its gates.",
        ),
    ] = False,
    mlflow: Annotated[
        str,
        typer.Option(
            envvar="MLFLOW_TRACKING_URI", help="Also log to this MLflow server and register there."
        ),
    ] = "",
    as_json: AsJson = False,
    stage: Stage = STAGE,
) -> None:
    """Train a model and publish the version.

    Someone else may then promote it. A version that did not pass its gates is published as
    rejected, with exit code 0 unless --fail-on-rejected is given.
    """
    trained = chosen_definition(model, definition)
    published = _train_and_publish(Deployment.connect(stage), trained, dataset, mlflow)
    show(
        published,
        metrics_table(published["metrics"]),
        gates_table(published["gates"]),
        f"published {trained.name} {published['version']}, {published['status']}",
        as_json=as_json,
    )
    if fail_on_rejected and published["status"] == "rejected":
        raise typer.Exit(REJECTED)


def _train_and_publish(
    deployment: Deployment, definition: Definition, dataset: str, mlflow: str
) -> dict[str, Any]:
    from scoreline.core.versions import MANIFEST_FILE
    from scoreline.definition.derived_warnings import derived_warnings
    from training.incumbents.champion import read_incumbents
    from training.report.figures.states import unlearned_warnings
    from training.train import train as train_bundle

    model = definition.name
    for warning in derived_warnings(definition.contract()):
        remark(f"warning: {warning}")
    with status("starting") as step:
        bundle = train_bundle(
            definition,
            _dataset_path(dataset or definition.dataset, deployment),
            trained_by=deployment.who,
            incumbents=read_incumbents(deployment.registry, model),
            progress=step,
        )
        step("publishing")
        deployment.registry.publish(model, bundle.version, bundle.files)
        if mlflow:
            step("logging to MLflow")
            log_version(mlflow, model, bundle)
    manifest = json.loads(bundle.files[MANIFEST_FILE])
    for sentence in _remarks(manifest["dataset"]):
        remark(sentence)
    for warning in unlearned_warnings(manifest["states"]):
        remark(f"warning: {warning}")
    rows = {name: manifest["dataset"][name] for name in ("rows_read", "exclusions")}
    shown = {name: manifest[name] for name in ("metrics", "gates")}
    published = {"model": model, "version": bundle.version, "status": bundle.status}
    return {**published, "score": bundle.score, **rows, **shown}


def _remarks(dataset: Mapping[str, Any]) -> Iterator[str]:
    """Sentences on the rows that were read, left out, or may be copies."""
    read, left_out = dataset["rows_read"], sum(dataset["exclusions"].values())
    yield f"{read:,} rows read, {read - left_out:,} used"
    for rule, count in dataset["exclusions"].items():
        yield f"{count:,} rows are left out: {rule}"
    if repeated := dataset["repeated_rows"]:
        yield f"{repeated:,} rows equal an earlier one; an id would tell whether they are copies"


@app.command()
def upload(
    model: Model,
    path: Annotated[str, typer.Argument(help="CSV or Parquet file, or a folder of them.")],
    as_json: AsJson = False,
    stage: Stage = STAGE,
) -> None:
    """Upload a dataset, which starts the training.

    The manifest _READY.json is uploaded last; its arrival creates the job.
    """
    from cli.datasets import upload as upload_dataset

    deployment = Deployment.connect(stage)
    bucket = deployment.registry.settings.bucket
    with status("starting") as step:
        uploaded = upload_dataset(model, path, bucket, deployment.who, progress=step)
    rows, files = uploaded.ready.rows, len(uploaded.ready.files)
    show(
        {"rows": rows, "files": files, "dataset": uploaded.path, "job": uploaded.job},
        f"{rows:,} rows in {files} files",
        f"dataset {uploaded.path}",
        f"job     {uploaded.job}",
        as_json=as_json,
    )


@app.command()
def compare(
    model: Model,
    dataset: Dataset = "",
    algorithms: Annotated[str, typer.Option(help="Names with commas between, or all.")] = "all",
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 10,
    as_json: AsJson = False,
    stage: Stage = STAGE,
) -> None:
    """Cross-validate algorithms on the same folds."""
    from scoreline.definition.files import load_definition
    from training.compare_algorithms import compare as compare_algorithms
    from training.compare_algorithms import with_algorithms
    from training.data.load import load_dataset
    from training.data.unseen import refuse_unlisted

    definition = load_definition(model)
    variants = with_algorithms(definition, _chosen_algorithms(definition, algorithms))
    with status("reading") as step:
        path = dataset or definition.dataset
        if not Path(path).exists():
            path = _dataset_path(path, Deployment.connect(stage))
        rows = load_dataset(definition, path)
        refuse_unlisted(rows)
        results = compare_algorithms(variants, rows, folds=folds, progress=step, left_out=remark)
    show(
        [asdict(result) for result in results],
        comparison_table(f"{model}, {folds} folds, {len(rows.y):,} rows", results),
        *([profit_table(results)] if rows.value is not None else []),
        as_json=as_json,
    )


def _chosen_algorithms(definition: Definition, algorithms: str) -> list[str]:
    """The named algorithms, or all that can hold the definition's monotone directions."""
    from scoreline.definition.algorithms import ALGORITHMS
    from scoreline.definition.variants import fits

    if algorithms != "all":
        return algorithms.split(",")
    for name in ALGORITHMS:
        if not fits(definition, name):
            remark(f"{name} is left out: it cannot hold a monotone direction")
    return [name for name in ALGORITHMS if fits(definition, name)]


def _dataset_path(path: str, deployment: Deployment) -> str:
    """An existing local path unchanged; anything else as the functions of the stage resolve it."""
    from scoreline.core.datasets import dataset_uri

    return path if Path(path).exists() else dataset_uri(path, deployment.registry.settings.bucket)


@app.command()
def generate(
    model: Model,
    rows: Annotated[int, typer.Option(min=1, help="How many rows.")] = 1_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = 1,
    output: Annotated[
        Path | None,
        typer.Option(help="MODEL.parquet by default, or a folder MODEL for several tables."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write invented rows of a model's dataset to Parquet.

    Memory stays constant. For home-credit, a folder is written with the tables of that many
    customers.
    """
    from training.generators.folders import FOLDERS, generate_tables, write_tables
    from training.generators.registry import generate as invent
    from training.generators.registry import write

    path = output or Path(model if model in FOLDERS else f"{model}.parquet")
    done = 0
    with progress_bars() as bars:

        def advance(count: int) -> None:
            nonlocal done
            done += count
            bars(model, done, rows)

        if model in FOLDERS:
            write_tables(path, generate_tables(model, rows, seed), advance)
        else:
            write(path, invent(model, rows, seed), advance)
    show({"path": str(path), "rows": rows}, f"{path}: {rows:,} invented rows", as_json=as_json)
