"""Commands that score: a few applications from JSON, or a file of any size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from cli.deployment import Deployment
from cli.options import AsJson, Model, Stage
from cli.output import progress_bars, remark, show
from cli.tables import batch_tables
from local.environment import STAGE
from scoreline.core.errors import InvalidApplicationError, MalformedRequestError

if TYPE_CHECKING:
    from batch.run import Summary

app = typer.Typer()


@app.command()
def predict(
    model: Model,
    file: Annotated[
        typer.FileText, typer.Argument(help="JSON: an application or a list of them; - is stdin.")
    ],
    stage: Stage = STAGE,
) -> None:
    """Score applications with the champion; prints JSON.

    The answers are those of the predict function.
    """
    content = _read_json(file)
    applications = content if isinstance(content, list) else [content]
    answers = _score(Deployment.connect(stage), model, applications)
    show(answers if isinstance(content, list) else answers[0], as_json=True)


def _score(
    deployment: Deployment, model: str, applications: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    from scoreline.aws.items import Items
    from scoreline.scoring.online import OnlineFeatures
    from scoreline.serving.champions import ChampionCache

    registry = deployment.registry
    champion = ChampionCache(registry).get(model).model
    online = OnlineFeatures(registry.settings.features_table, Items.connect().get_item)
    applicants = [online.applicant(champion, application) for application in applications]
    answers = champion.answer([applicant.encoded for applicant in applicants])
    pairs = zip(answers, applicants, strict=True)
    return [{**answer, **applicant.shown} for answer, applicant in pairs]


def _read_json(file: TextIO) -> Any:
    from scoreline.api.http import parse_json  # its logger takes longer to load than `--help`

    try:
        content = parse_json(file.read(), "file")
    except UnicodeDecodeError:
        raise MalformedRequestError("the file is not UTF-8 text") from None
    items = content if isinstance(content, list) else [content]
    if not items or not all(isinstance(item, dict) for item in items):
        raise InvalidApplicationError("the file holds neither an application nor a list of them")
    return content


@app.command()
def batch(
    model: Model,
    input: Annotated[  # noqa: A002 - the command line shows the name
        str, typer.Argument(help=".parquet or .csv file, local or s3://.")
    ],
    output: Annotated[Path, typer.Argument(help=".parquet or .csv file to write.")],
    version: Annotated[str, typer.Option(help="Version; the champion by default.")] = "",
    ids: Annotated[
        str, typer.Option(help="Column of the ids; by default id, or that of the dataset.")
    ] = "",
    keep: Annotated[
        str, typer.Option(help="Columns of the input to repeat, commas between, or all.")
    ] = "",
    reasons: Annotated[bool, typer.Option(help="Give the principal reasons; slower.")] = False,
    contributions: Annotated[
        bool, typer.Option(help="Give every feature's contribution; slower.")
    ] = False,
    restart: Annotated[bool, typer.Option(help="Discard what a killed run has done.")] = False,
    as_json: AsJson = False,
    stage: Stage = STAGE,
) -> None:
    """Score a file of any size.

    If a run is killed, the same command continues it. Rows that break the model's rules go to a
    file of their own next to OUTPUT, each with every rule that it breaks.
    """
    from batch.model import load_batch_model
    from batch.run import Batch

    loaded = load_batch_model(Deployment.connect(stage).registry, model, version)
    run = Batch.of(
        loaded,
        input,
        output,
        ids=ids,
        keep=keep.split(",") if keep else (),
        reasons=reasons,
        contributions=contributions,
    )
    for name in run.encoder.absent:
        remark(f"{name}: the file has no such column, so it is missing in every row")
    with progress_bars() as bars:
        title = f"{model} {loaded.version}"
        done = run.run(lambda rows, total: bars(title, rows, total), restart=restart)
    _show_summary(done, {"model": model, "version": loaded.version}, output, as_json=as_json)


def _show_summary(done: Summary, scored_by: dict[str, str], output: Path, *, as_json: bool) -> None:
    counts = {"rows": done.rows, "rejected": done.rejected, "resumed": done.resumed}
    paths = {"output": str(output), "rejections": str(done.rejections)}
    tally = done.tally
    found = {
        "decisions": dict(tally.choices),
        "scores": tally.score_distribution,
        "rules": tally.broken_rules,
    }
    show(
        {**scored_by, **counts, **paths, **found},
        *([f"{done.resumed:,} rows were scored by an earlier run"] if done.resumed else []),
        *batch_tables(tally),
        f"{done.rows - done.rejected:,} rows scored: {output}",
        f"{done.rejected:,} rows rejected: {done.rejections}",
        as_json=as_json,
    )
