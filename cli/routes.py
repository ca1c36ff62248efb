"""One bank's model in the routing, changed as `PUT /routing` changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scoreline.core.errors import ModelNotFoundError
from scoreline.governance.routing import DEFAULT, read_change

if TYPE_CHECKING:
    from cli.deployment import Deployment


def change_route(deployment: Deployment, bank: str, model: str | None, reason: str) -> None:
    """Route a bank, or for `default` all requests without a bank, to a model or to none.

    Raises
    ------
    RoutingConflictError
        Somebody else changed the routing in the meantime.
    """
    present = deployment.routings.show()
    wanted = {"default": present["default"], "banks": dict(present["banks"])}
    if bank == DEFAULT and model is not None:
        wanted["default"] = model
    elif model is not None:
        wanted["banks"][bank] = model
    elif wanted["banks"].pop(bank, None) is None:
        raise ModelNotFoundError(f"no model is routed to {bank}")
    change = read_change({**wanted, "reason": reason, "expected": present["sequence"]})
    deployment.routings.change(change, who=deployment.who)
