"""The `scoreline` command line."""

from __future__ import annotations

import json
import sys
import webbrowser
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from cli.console import err, out
from cli.deployment import Deployment
from cli.features import app as features_app
from cli.routes import change_route
from cli.tables import (
    comparison_table,
    gates_table,
    history_table,
    metrics_table,
    models_table,
    reproduction_table,
    routing_table,
    scorecard_table,
    versions_table,
    watch_line,
)
from local.environment import STAGE
from local.stack import AWS_PORT, HTTP_PORT, STATE_DIR, Stack, StackError, stop_on_signals
from scoreline.core.errors import (
    InvalidApplicationError,
    InvalidRequestError,
    MalformedRequestError,
    ScorelineError,
)
from scoreline.core.versions import MANIFEST_FILE, REPORT_FILE

app = typer.Typer(
    help="Train, publish and serve credit scoring models.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(features_app, name="features")

Model = Annotated[str, typer.Argument(help="Name of the model, such as german-credit.")]
Bank = Annotated[
    str, typer.Argument(help="Name of the bank; default stands for requests that name none.")
]
Version = Annotated[str, typer.Argument(help="Version, as `scoreline models MODEL` shows it.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the ledger.")]
PROMOTED = "promoted on the command line"
Dataset = Annotated[
    str, typer.Option(help="File or folder, local or s3://; the definition's own by default.")
]
Stage = Annotated[
    str,
    typer.Option(
        envvar="SCORELINE_STAGE",
        help="Deployment: local, or a stage in the account of your AWS environment.",
    ),
]
HttpPort = Annotated[int, typer.Option(help="Port of the HTTP routes.")]
AwsPort = Annotated[int, typer.Option(help="Port of the local AWS services.")]
StateDir = Annotated[Path, typer.Option(help="Folder that keeps what was trained and promoted.")]


@app.command()
def train(
    model: Model,
    dataset: Dataset = "",
    stage: Stage = STAGE,
) -> None:
    """Train a model and publish the version, which someone else may then promote."""
    from scoreline.definition.model import load_definition
    from training.gates.champion import read_champion
    from training.train import train as train_bundle

    definition = load_definition(model)
    deployment = Deployment.connect(stage)
    with err.status("starting") as status:
        path = _dataset_path(dataset or definition.dataset, stage)
        bundle = train_bundle(
            definition,
            path,
            trained_by=deployment.who,
            champion=read_champion(deployment.registry, model),
            progress=status.update,
        )
        status.update("publishing")
        deployment.registry.publish(model, bundle.version, bundle.files)
    manifest = json.loads(bundle.files[MANIFEST_FILE])
    out.print(metrics_table(manifest["metrics"]))
    out.print(gates_table(manifest["gates"]))
    out.print(f"published {model} {bundle.version}, {bundle.status}")


@app.command()
def upload(
    model: Model,
    path: Annotated[str, typer.Argument(help="CSV or Parquet file, or a folder of them.")],
    stage: Stage = STAGE,
) -> None:
    """Upload a dataset and its manifest _READY.json, which starts the training."""
    from cli.datasets import upload as upload_dataset

    deployment = Deployment.connect(stage)
    bucket = deployment.registry.settings.bucket
    with err.status("starting") as status:
        uploaded = upload_dataset(model, path, bucket, deployment.who, progress=status.update)
    out.print(f"{uploaded.ready.rows:,} rows in {len(uploaded.ready.files)} files")
    out.print(f"dataset {uploaded.path}")
    out.print(f"job     {uploaded.job}")


@app.command()
def models(
    model: Annotated[str, typer.Argument(help="Show this model's versions.")] = "",
    stage: Stage = STAGE,
) -> None:
    """List the models, or the versions of one."""
    from scoreline.governance.catalogue import Catalogue

    deployment = Deployment.connect(stage)
    catalogue = Catalogue(deployment.registry, deployment.promotions.ledger)
    if model:
        out.print(versions_table(model, catalogue.versions(model)))
        if watch := deployment.watches.show(model):
            out.print(watch_line(watch))
    else:
        out.print(models_table(catalogue.models()))


@app.command()
def history(model: Model, stage: Stage = STAGE) -> None:
    """List who promoted what and why, and what was rolled back; the newest first."""
    entries = Deployment.connect(stage).promotions.ledger.history(model)
    out.print(history_table(model, [entry.to_json() for entry in reversed(entries)]))


@app.command()
def promote(
    model: Model,
    version: Annotated[str, typer.Argument(help="A version; the newest by default.")] = "",
    reason: Reason = PROMOTED,
    override: Annotated[
        bool,
        typer.Option(
            "--override", help="Promote what is rejected, or one's own; needs a --reason."
        ),
    ] = False,
    stage: Stage = STAGE,
) -> None:
    """Let a version be the champion, once it has loaded and answered its golden rows.

    Who trained it may not, unless its definition says promotion = "automatic". Another person is
    another AWS_PROFILE, in the local stack by any name.
    """
    if override and reason == PROMOTED:
        raise InvalidRequestError("--override needs a --reason")
    deployment = Deployment.connect(stage)
    version = version or max(deployment.registry.versions(model), default="")
    entry = deployment.promotions.promote(
        model, version, who=deployment.who, reason=reason, override=override
    )
    out.print(f"{model}: {entry.champion.version} serves, before it {entry.previous or 'none'}")


@app.command()
def rollback(
    model: Model,
    reason: Reason = "rolled back on the command line",
    stage: Stage = STAGE,
) -> None:
    """Return to the champion before the present one."""
    deployment = Deployment.connect(stage)
    entry = deployment.promotions.rollback(model, who=deployment.who, reason=reason)
    out.print(f"{model}: {entry.champion.version} serves, before it {entry.previous or 'none'}")


@app.command()
def routes(stage: Stage = STAGE) -> None:
    """List which model answers which bank."""
    out.print(routing_table(Deployment.connect(stage).routings.show()))


@app.command()
def route(
    bank: Bank, model: Model, reason: Reason = "routed on the command line", stage: Stage = STAGE
) -> None:
    """Let a model answer a bank from the next minute on."""
    deployment = Deployment.connect(stage)
    change_route(deployment, bank, model, reason)
    out.print(f"{bank}: {model}")


@app.command()
def unroute(
    bank: Bank, reason: Reason = "unrouted on the command line", stage: Stage = STAGE
) -> None:
    """Let no model answer a bank any more."""
    deployment = Deployment.connect(stage)
    change_route(deployment, bank, None, reason)
    out.print(f"{bank}: unknown from now on")


@app.command()
def predict(
    model: Model,
    file: Annotated[
        typer.FileText, typer.Argument(help="JSON: an application or a list of them; - is stdin.")
    ],
    stage: Stage = STAGE,
) -> None:
    """Score applications with the champion, as the predict function does; prints JSON."""
    from scoreline.aws.items import Items
    from scoreline.scoring.online import OnlineFeatures
    from scoreline.serving.champions import ChampionCache

    content = _read_json(file.read())
    registry = Deployment.connect(stage).registry
    champion = ChampionCache(registry).get(model).model
    online = OnlineFeatures(registry.settings.features_table, Items.connect().get_item)
    bodies = content if isinstance(content, list) else [content]
    applicants = [online.applicant(champion, body) for body in bodies]
    scored = champion.answer([applicant.encoded for applicant in applicants])
    answers = [{**a, **applicant.shown} for a, applicant in zip(scored, applicants, strict=True)]
    print(json.dumps(answers if isinstance(content, list) else answers[0], indent=2))


@app.command()
def batch(
    model: Model,
    input: Annotated[str, typer.Argument(help=".parquet or .csv file, local or s3://.")],  # noqa: A002
    output: Annotated[Path, typer.Argument(help=".parquet or .csv file to write.")],
    version: Annotated[str, typer.Option(help="Version; the champion by default.")] = "",
    ids: Annotated[
        str, typer.Option(help="Column of the ids; by default id, or that of the dataset.")
    ] = "",
    reasons: Annotated[bool, typer.Option(help="Give the principal reasons; slower.")] = False,
    restart: Annotated[bool, typer.Option(help="Forget what a killed run has done.")] = False,
    stage: Stage = STAGE,
) -> None:
    """Score a file of any size; the same command goes on where a killed one was.

    Rows that break the model's rules are written beside OUTPUT, each with every rule that it
    breaks.
    """
    from cli.batch import score_file

    options = {"version": version, "ids": ids, "reasons": reasons, "restart": restart}
    registry = Deployment.connect(stage).registry
    done = score_file(registry, model, input, output, **options, err=err)
    if done.resumed:
        out.print(f"{done.resumed:,} rows were done already")
    out.print(f"{done.rows - done.rejected:,} rows scored: {output}")
    out.print(f"{done.rejected:,} rows rejected: {done.rejections}")


@app.command()
def report(
    model: Model,
    version: Annotated[str, typer.Argument(help="A version; the champion by default.")] = "",
    output: Annotated[Path, typer.Option(help="Where to write it.")] = Path(REPORT_FILE),
    browser: Annotated[bool, typer.Option(help="Open it in the browser.")] = True,
    stage: Stage = STAGE,
) -> None:
    """Write the report of a version to a file and open it."""
    registry = Deployment.connect(stage).registry
    version = version or registry.pointer(model).champion.version
    output.write_bytes(registry.read(model, version, REPORT_FILE))
    out.print(f"{output}")
    if browser:
        webbrowser.open(output.resolve().as_uri())


@app.command()
def reproduce(
    model: Model,
    version: Annotated[str, typer.Argument(help="A version; the champion by default.")] = "",
    stage: Stage = STAGE,
) -> None:
    """Train a version again from what it records, and prove that it comes out the same.

    Exit code 1 where it does not: the table says what differs. A tuned version is fitted with the
    parameters that were found.
    """
    from training.reproduce import GRAPHS
    from training.reproduce import reproduce as train_again

    registry = Deployment.connect(stage).registry
    version = version or registry.pointer(model).champion.version
    manifest = registry.manifest(model, version)
    with err.status("reading the version") as status:
        graphs = {name: registry.read(model, version, name) for name in GRAPHS}
        found = train_again(manifest, graphs, status.update)
    out.print(reproduction_table(f"{model} {version}", found))
    if not found.is_same:
        out.print("not reproduced")
        raise typer.Exit(1)
    out.print(f"reproduced bit for bit, SHA-256 {found.found}")


@app.command()
def scorecard(
    model: Model,
    version: Annotated[str, typer.Argument(help="A version; the champion by default.")] = "",
    stage: Stage = STAGE,
) -> None:
    """Print the points table of a version whose algorithm is woe_scorecard."""
    from training.report.figures.points_table import NOTE

    registry = Deployment.connect(stage).registry
    version = version or registry.pointer(model).champion.version
    manifest = registry.manifest(model, version)
    if not (table := manifest.get("scorecard")):
        raise InvalidRequestError(f"{version} has no points table: it is {manifest['algorithm']}")
    out.print(scorecard_table(f"{model} {version}", table, NOTE))


@app.command()
def compare(
    model: Model,
    dataset: Dataset = "",
    algorithms: Annotated[str, typer.Option(help="Names with commas between, or all.")] = "all",
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    stage: Stage = STAGE,
) -> None:
    """Cross-validate algorithms side by side on the same folds."""
    from scoreline.definition.algorithms import ALGORITHMS
    from scoreline.definition.model import load_definition
    from training.compare_algorithms import compare as compare_algorithms
    from training.compare_algorithms import with_algorithms
    from training.data.dataset import load_dataset

    definition = load_definition(model)
    names = algorithms.split(",")
    if algorithms == "all":
        names = [name for name in ALGORITHMS if definition.fits(name)]
        for name in ALGORITHMS:
            if name not in names:
                err.print(f"{name} is left out: it cannot hold a monotone direction")
    variants = with_algorithms(definition, names)
    with err.status("reading") as status:
        path = _dataset_path(dataset or definition.dataset, stage)
        rows = load_dataset(definition, path)
        results = compare_algorithms(
            variants, rows, folds=folds, progress=status.update, left_out=err.print
        )
    if as_json:
        print(json.dumps([asdict(result) for result in results], indent=2))
    else:
        out.print(comparison_table(f"{model}, {folds} folds, {len(rows.y):,} rows", results))


@app.command()
def generate(
    model: Model,
    rows: Annotated[int, typer.Option(min=1, help="How many rows.")] = 1_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = 1,
    output: Annotated[
        Path | None,
        typer.Option(help="MODEL.parquet by default; a folder MODEL where there are tables."),
    ] = None,
) -> None:
    """Write invented rows of a model's dataset to Parquet, in constant memory.

    For home-credit that is a folder with the tables of so many customers.
    """
    from training.generators.folders import FOLDERS, generate_tables, write_tables
    from training.generators.registry import generate as invent
    from training.generators.registry import write

    path = output or Path(model if model in FOLDERS else f"{model}.parquet")
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err) as progress:
        task = progress.add_task(model, total=rows)
        advance = partial(progress.advance, task)
        if model in FOLDERS:
            write_tables(path, generate_tables(model, rows, seed), advance)
        else:
            write(path, invent(model, rows, seed), advance)
    out.print(f"{path}: {rows:,} invented rows")


@app.command()
def serve(
    http_port: HttpPort = HTTP_PORT,
    aws_port: AwsPort = AWS_PORT,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Run the whole system on this machine until Ctrl-C.

    Models that have no version yet are trained meanwhile, on real data where DATA_DIR names its
    folder and on invented data otherwise.
    """
    from cli.seeding import seeding
    from local.__main__ import describe

    stop_on_signals()
    with Stack(http_port, aws_port, state_dir) as stack:
        out.print(describe(stack))
        with seeding(stack):
            problem = stack.wait()
    raise StackError(problem)


@app.command()
def demo() -> None:
    """Train on real data, publish, promote, score over HTTP, print the answer, stop."""
    from cli.demo import run_demo

    stop_on_signals()
    run_demo(out, err)


def main() -> None:
    """Entry point: errors are a line on standard error and exit code 1, or 2 for a bad start."""
    try:
        app()
    except ScorelineError as error:
        _fail(error.message, *(f"  {f.field}: {f.rule}" for f in error.fields), code=1)
    except StackError as error:
        _fail(str(error), code=2)


def _fail(*lines: str, code: int) -> None:
    print("scoreline:", "\n".join(lines), file=sys.stderr)
    raise SystemExit(code)


def _dataset_path(path: str, stage: str) -> str:
    """A local path as it is; anything else as the stage's functions resolve it."""
    from scoreline.core.datasets import dataset_uri

    if Path(path).exists():
        return path
    return dataset_uri(path, Deployment.connect(stage).registry.settings.bucket)


def _read_json(text: str) -> Any:
    try:
        content = json.loads(text)
    except ValueError:
        raise MalformedRequestError("the file is not valid JSON") from None
    items = content if isinstance(content, list) else [content]
    if not items or not all(isinstance(item, dict) for item in items):
        raise InvalidApplicationError("the file holds neither an application nor a list of them")
    return content
