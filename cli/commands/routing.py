"""Commands that route banks to models, as `PUT /routing` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from cli.deployment import Deployment
from cli.options import AsJson, Bank, Model, Reason, Stage
from cli.output import show
from cli.tables import routing_table
from local.environment import STAGE
from scoreline.core.errors import ModelNotFoundError

if TYPE_CHECKING:
    from scoreline.api.operations_answers import RoutingChange

app = typer.Typer()


@app.command()
def routes(as_json: AsJson = False, stage: Stage = STAGE) -> None:
    """List the model that answers each bank."""
    routing = Deployment.connect(stage).routings.show()
    show(routing, routing_table(routing), as_json=as_json)


@app.command()
def route(
    bank: Bank,
    model: Model,
    reason: Reason = "routed on the command line",
    as_json: AsJson = False,
    stage: Stage = STAGE,
) -> None:
    """Route a bank to a model.

    The predict function follows within a minute.
    """
    entry = _change_route(Deployment.connect(stage), bank, model, reason)
    show(entry, f"{bank}: {model}", as_json=as_json)


@app.command()
def unroute(
    bank: Bank,
    reason: Reason = "unrouted on the command line",
    as_json: AsJson = False,
    stage: Stage = STAGE,
) -> None:
    """Remove a bank's route, so that its requests are refused."""
    entry = _change_route(Deployment.connect(stage), bank, None, reason)
    show(entry, f"{bank}: no longer routed", as_json=as_json)


def _change_route(
    deployment: Deployment, bank: str, model: str | None, reason: str
) -> RoutingChange:
    """Route a bank to a model, or to none; the bank `default` stands for requests without one."""
    from scoreline.api.operations_requests import DEFAULT, ROUTING
    from scoreline.core.versions import Routing

    present = deployment.routings.show()
    default, banks = present["default"], dict(present["banks"])
    if bank == DEFAULT and model is not None:
        default = model
    elif model is not None:
        banks[bank] = model
    elif banks.pop(bank, None) is None:
        raise ModelNotFoundError(f"no model is routed to {bank}")
    fields = ROUTING.read({"default": default, "banks": banks, "reason": reason})
    return deployment.routings.change(
        Routing(fields["default"], banks),
        who=deployment.who,
        reason=reason,
        expected=present["sequence"],
    )
