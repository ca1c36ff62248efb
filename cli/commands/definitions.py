"""Commands that register the definition that a model is trained by, and show it."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.definition_files import definition_path
from cli.deployment import Deployment
from cli.options import AsJson, Model, Reason, Stage
from cli.output import show
from local.environment import STAGE
from scoreline.api.operations_requests import ROLLBACK

app = typer.Typer()


@app.command()
def define(
    definition: Annotated[
        str, typer.Argument(help="A definition file, or the name of a model that has one.")
    ],
    reason: Reason = "defined on the command line",
    as_json: AsJson = False,
    stage: Stage = STAGE,
) -> None:
    """Register the definition that the train function follows.

    The file is checked first. A registered definition is kept, and the ledger says who registered
    it and why. Definitions of your own are found by name in the folder that SCORELINE_MODELS
    names.
    """
    from scoreline.definition.files import read_file

    ROLLBACK.read({"reason": reason})  # the reason follows the same rule
    path = definition_path(definition)
    model, deployment = path.stem, Deployment.connect(stage)
    head = deployment.definitions.register(
        model, read_file(path), who=deployment.who, reason=reason
    )
    show(
        {"model": model, **head.to_item()},
        f"{model}: definition {head.sha256[:12]} counts, number {head.sequence}",
        as_json=as_json,
    )


@app.command()
def definition(model: Model, as_json: AsJson = False, stage: Stage = STAGE) -> None:
    """Print the definition that the train function follows."""
    registered = Deployment.connect(stage).definitions.show(model)
    show(registered, registered["definition"].rstrip(), as_json=as_json)
