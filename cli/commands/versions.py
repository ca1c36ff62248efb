"""Commands that show, promote and examine the versions of models."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.deployment import Deployment
from cli.options import AsJson, ChampionVersion, Model, ModelOrAll, NewestVersion, Reason, Stage
from cli.output import show, status
from cli.tables import (
    history_table,
    models_table,
    reproduction_table,
    scorecard_table,
    versions_table,
    watch_line,
)
from local.environment import STAGE
from scoreline.api.operations_requests import ROLLBACK
from scoreline.core.errors import InvalidRequestError
from scoreline.core.versions import REPORT_FILE

if TYPE_CHECKING:
    from scoreline.aws.registry import ModelRegistry
    from scoreline.governance.entry import Entry

app = typer.Typer()

PROMOTED = "promoted on the command line"


@app.command()
def models(model: ModelOrAll = "", as_json: AsJson = False, stage: Stage = STAGE) -> None:
    """List the models, or the versions of one model."""
    from scoreline.governance.catalogue import Catalogue

    deployment = Deployment.connect(stage)
    catalogue = Catalogue(deployment.registry, deployment.promotions.ledger)
    if not model:
        found = catalogue.models()
        show({"models": found}, models_table(found), as_json=as_json)
        return
    versions, watch = catalogue.versions(model), deployment.watches.show(model)
    show(
        {"model": model, "versions": versions, "watch": watch},
        versions_table(model, versions),
        *([watch_line(watch)] if watch else []),
        as_json=as_json,
    )


@app.command()
def history(model: Model, as_json: AsJson = False, stage: Stage = STAGE) -> None:
    """List the promotions and rollbacks of a model, newest first."""
    entries = Deployment.connect(stage).promotions.ledger.history(model)
    shown = [entry.to_json() for entry in reversed(entries)]
    show({"model": model, "history": shown}, history_table(model, shown), as_json=as_json)


@app.command()
def promote(
    model: Model,
    version: NewestVersion = "",
    reason: Reason = PROMOTED,
    override: Annotated[
        bool,
        typer.Option(
            "--override", help="Promote a rejected version, or your own; needs a --reason."
        ),
    ] = False,
    as_json: AsJson = False,
    stage: Stage = STAGE,
) -> None:
    """Make a version the champion.

    The version must load and answer its golden rows. The person who trained it may not promote it,
    unless its definition says promotion = "automatic". To act as someone else, set AWS_PROFILE;
    the local stack takes any name.
    """
    if override and reason == PROMOTED:
        raise InvalidRequestError("--override needs a --reason")
    ROLLBACK.read({"reason": reason})  # a promotion's reason follows the same rule
    deployment = Deployment.connect(stage)
    version = version or max(deployment.registry.versions(model), default="")
    entry = deployment.promotions.promote(
        model, version, who=deployment.who, reason=reason, override=override
    )
    _show_champion(model, entry, as_json=as_json)


@app.command()
def rollback(
    model: Model,
    reason: Reason = "rolled back on the command line",
    as_json: AsJson = False,
    stage: Stage = STAGE,
) -> None:
    """Return to the previous champion."""
    ROLLBACK.read({"reason": reason})
    deployment = Deployment.connect(stage)
    entry = deployment.promotions.rollback(model, who=deployment.who, reason=reason)
    _show_champion(model, entry, as_json=as_json)


def _show_champion(model: str, entry: Entry, *, as_json: bool) -> None:
    line = f"{model}: {entry.champion.version} is the champion"
    replaced = f", in place of {entry.previous}" if entry.previous else ""
    show({"model": model, **entry.to_json()}, line + replaced, as_json=as_json)


@app.command()
def report(
    model: Model,
    version: ChampionVersion = "",
    output: Annotated[Path, typer.Option(help="Where to write it.")] = Path(REPORT_FILE),
    browser: Annotated[bool, typer.Option(help="Open it in the browser.")] = True,
    as_json: AsJson = False,
    stage: Stage = STAGE,
) -> None:
    """Write the report of a version to a file and open it."""
    registry = Deployment.connect(stage).registry
    version = version or _champion(registry, model)
    output.write_bytes(registry.read(model, version, REPORT_FILE))
    written = {"model": model, "version": version, "path": str(output)}
    show(written, str(output), as_json=as_json)
    if browser:
        webbrowser.open(output.resolve().as_uri())


@app.command()
def reproduce(
    model: Model, version: ChampionVersion = "", as_json: AsJson = False, stage: Stage = STAGE
) -> None:
    """Train a version again and compare the graphs bit for bit.

    If they differ, the exit code is 1 and the table names the differences. A tuned version is
    fitted with the parameters that its search found.
    """
    registry = Deployment.connect(stage).registry
    version = version or _champion(registry, model)
    found = _reproduce(registry, model, version)
    show(
        found,
        reproduction_table(f"{model} {version}", found),
        f"reproduced bit for bit, SHA-256 {found['found']}"
        if found["reproduced"]
        else "not reproduced",
        as_json=as_json,
    )
    if not found["reproduced"]:
        raise typer.Exit(1)


def _reproduce(registry: ModelRegistry, model: str, version: str) -> dict[str, Any]:
    from dataclasses import asdict

    from training.reproduce import GRAPHS
    from training.reproduce import reproduce as train_again

    manifest = registry.manifest(model, version)
    with status("reading the version") as step:
        graphs = {name: registry.read(model, version, name) for name in GRAPHS}
        found = train_again(manifest, graphs, step)
    return {"model": model, "version": version, "reproduced": found.is_same, **asdict(found)}


@app.command()
def scorecard(
    model: Model, version: ChampionVersion = "", as_json: AsJson = False, stage: Stage = STAGE
) -> None:
    """Print the points table of a version.

    Only the algorithm woe_scorecard has one.
    """
    from training.report.figures.points_table import NOTE

    registry = Deployment.connect(stage).registry
    version = version or _champion(registry, model)
    manifest = registry.manifest(model, version)
    if not (points := manifest.get("scorecard")):
        raise InvalidRequestError(
            f"{version} has no points table: its algorithm is {manifest['algorithm']}"
        )
    show(
        {"model": model, "version": version, **points},
        scorecard_table(f"{model} {version}", points, NOTE),
        as_json=as_json,
    )


def _champion(registry: ModelRegistry, model: str) -> str:
    return registry.pointer(model).champion.version
