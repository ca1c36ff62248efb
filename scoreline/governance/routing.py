"""The routing from banks to models: operations change it, predict reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scoreline.core.errors import (
    FieldError,
    InvalidRequestError,
    ModelNotFoundError,
    PointerInvalidError,
    RoutingConflictError,
)
from scoreline.core.versions import Routing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from scoreline.api.operations_answers import Routes, RoutingChange, RoutingState
    from scoreline.aws.ledger import Ledger
    from scoreline.aws.registry import ModelRegistry

SUBJECT = "#routing"  # no model has this name
CHANGES_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingEntry:
    """A change of the routing, as the ledger keeps it.

    Attributes
    ----------
    before : the routing that the change replaced; None where the parameter was not a routing
    """

    sequence: int
    before: Routing | None
    routing: Routing
    who: str
    reason: str
    at: str

    @property
    def retry(self) -> str:
        """The request that writes the parameter from this entry."""
        return "ask for the same routing again"

    def to_item(self) -> RoutingChange:
        """The entry as the ledger table keeps it and the API shows it."""
        return {
            "sequence": self.sequence,
            "action": "route",
            "from": _plain(self.before) if self.before else None,
            "to": _plain(self.routing),
            "who": self.who,
            "reason": self.reason,
            "at": self.at,
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> RoutingEntry:
        """Inverse of `to_item`."""
        return cls(
            sequence=int(item["sequence"]),
            before=Routing(**item["from"]) if item["from"] else None,
            routing=Routing(**item["to"]),
            who=item["who"],
            reason=item["reason"],
            at=item["at"],
        )


@dataclass(frozen=True, slots=True)
class Routings:
    """Changes the routing. The ledger decides who wins; the parameter follows the ledger."""

    registry: ModelRegistry
    ledger: Ledger[RoutingEntry]

    def show(self) -> RoutingState:
        """The routing that predict reads, and the latest changes, newest first."""
        entries = self.ledger.history(SUBJECT)
        head = entries[-1] if entries else None
        routing = self._present()
        return {
            "default": routing.default if routing else None,
            "banks": dict(routing.banks) if routing else {},
            "sequence": head.sequence if head else 0,
            "differs_from_ledger": head is not None and routing != head.routing,
            "history": [entry.to_item() for entry in entries[: -CHANGES_SHOWN - 1 : -1]],
        }

    def change(
        self, routing: Routing, *, who: str, reason: str, expected: int | None = None
    ) -> RoutingChange:
        """Replace the routing; returns the ledger's head once the parameter follows it.

        A request for the routing that the ledger names already adds no entry and writes the
        parameter again.

        Parameters
        ----------
        expected : number of the latest entry that the caller knows, 0 for none, None for any

        Raises
        ------
        InvalidRequestError
            The change routes to a model without a champion.
        RoutingConflictError
            The ledger's head is not `expected`, or another change came first.
        """
        unknown = tuple(_unpromoted(routing, self._promoted()))
        if unknown:
            raise InvalidRequestError("only promoted models can answer", unknown)
        head = self.ledger.head(SUBJECT)
        sequence = head.sequence if head else 0
        if expected not in (None, sequence):
            raise RoutingConflictError(f"the latest change of the routing is number {sequence}")
        if head is None or head.routing != routing:  # else the parameter is only written again
            head = RoutingEntry(
                sequence=sequence + 1,
                before=self._present(),
                routing=routing,
                who=who,
                reason=reason,
                at=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            if not self.ledger.append(SUBJECT, head):
                raise RoutingConflictError("another change of the routing came first")
        return self.ledger.follow(
            SUBJECT, head, lambda entry: self.registry.write_routing(entry.routing)
        ).to_item()

    def _present(self) -> Routing | None:
        """The routing; None where the parameter is missing or is not a routing."""
        try:
            return self.registry.routing()
        except (ModelNotFoundError, PointerInvalidError):
            return None

    def _promoted(self) -> Collection[str]:
        return {model for model, pointer in self.registry.pointers().items() if pointer}


def _unpromoted(routing: Routing, promoted: Collection[str]) -> Iterator[FieldError]:
    rule = "names a model that has no champion"
    if routing.default not in promoted:
        yield FieldError("default", rule)
    for bank, model in routing.banks.items():
        if model not in promoted:
            yield FieldError(f"banks.{bank}", rule)


def _plain(routing: Routing) -> Routes:
    return {"default": routing.default, "banks": dict(routing.banks)}
