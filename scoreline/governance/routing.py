"""Which model answers which bank: changed by operations, recorded, and read by predict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scoreline.api.fields import MODEL, TEXT
from scoreline.core.errors import (
    FieldError,
    InvalidRequestError,
    ModelNotFoundError,
    PointerInvalidError,
    RoutingConflictError,
)
from scoreline.core.versions import MODEL_PATTERN, Routing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from scoreline.aws.ledger import Ledger
    from scoreline.aws.registry import ModelRegistry

SUBJECT = "#routing"  # no model has this name
DEFAULT = "default"  # no bank has this name
MAX_BANK_LENGTH = 64
MAX_BYTES = 4096  # of a standard parameter
CHANGES_SHOWN = 20
FIELDS = ("default", "banks", "reason", "expected")
BANK_RULE = (
    f"names of banks are lower-case words joined by hyphens, at most {MAX_BANK_LENGTH} characters, "
    f"and not {DEFAULT}"
)


@dataclass(frozen=True, slots=True)
class Change:
    """What operations want the routing to be.

    Attributes
    ----------
    expected : number of the entry that the change follows, 0 for none; None where any will do
    """

    routing: Routing
    reason: str
    expected: int | None = None


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

    def to_item(self) -> dict[str, Any]:
        """The entry as the ledger table keeps it and the API shows it."""
        return {
            "sequence": self.sequence,
            "action": "route",
            "from": _plain(self.before),
            "to": _plain(self.routing),
            "who": self.who,
            "reason": self.reason,
            "at": self.at,
        }

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> RoutingEntry:
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

    def show(self) -> dict[str, Any]:
        """The routing that predict reads, and the latest changes, newest first."""
        entries = self.ledger.history(SUBJECT)
        head = entries[-1] if entries else None
        routing = self._present()
        return {
            **(_plain(routing) or {"default": None, "banks": {}}),
            "sequence": head.sequence if head else 0,
            "differs_from_ledger": head is not None and routing != head.routing,
            "history": [entry.to_item() for entry in entries[: -CHANGES_SHOWN - 1 : -1]],
        }

    def change(self, change: Change, *, who: str) -> dict[str, Any]:
        """Replace the routing; returns the ledger's head once the parameter follows it.

        A request for the routing that the ledger names already adds no entry and writes the
        parameter again.

        Raises
        ------
        InvalidRequestError
            The change routes to a model without a champion.
        RoutingConflictError
            The ledger's head is not `expected`, or another change came first.
        """
        unknown = tuple(_unpromoted(change.routing, self._promoted()))
        if unknown:
            raise InvalidRequestError("only promoted models can answer", unknown)
        head = self.ledger.head(SUBJECT)
        sequence = head.sequence if head else 0
        if change.expected not in (None, sequence):
            raise RoutingConflictError(f"the latest change of the routing is number {sequence}")
        if head is None or head.routing != change.routing:
            head = RoutingEntry(
                sequence=sequence + 1,
                before=self._present(),
                routing=change.routing,
                who=who,
                reason=change.reason,
                at=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            if not self.ledger.append(SUBJECT, head):
                raise RoutingConflictError("another change of the routing came first")
        return self.ledger.follow(
            SUBJECT, head, lambda entry: self.registry.write_routing(entry.routing)
        ).to_item()

    def _present(self) -> Routing | None:
        """The routing; None where there is none or where the parameter is not a routing."""
        try:
            return self.registry.routing()
        except (ModelNotFoundError, PointerInvalidError):
            return None

    def _promoted(self) -> Collection[str]:
        return {model for model, pointer in self.registry.pointers().items() if pointer}


def read_change(body: Mapping[str, Any]) -> Change:
    """The change that a request asks for; an InvalidRequestError names every broken rule."""
    broken = tuple(_broken_rules(body))
    if broken:
        raise InvalidRequestError("fields of the request break their rules", broken)
    routing = Routing(body["default"], body["banks"])
    return Change(routing, body["reason"], body.get("expected"))


def _broken_rules(body: Mapping[str, Any]) -> Iterator[FieldError]:
    if any(name not in FIELDS for name in body):
        yield FieldError("(unnamed)", f"only {', '.join(FIELDS)} are fields of this request")
    for name, field in (("default", MODEL), ("reason", TEXT)):
        value = body.get(name)
        if not isinstance(value, str) or not field.test(value):
            yield FieldError(name, f"expected {field.rule}")
    banks = body.get("banks")
    if not isinstance(banks, dict) or not all(
        isinstance(model, str) and MODEL.test(model) for model in banks.values()
    ):
        yield FieldError("banks", f"expected an object: name of a bank to {MODEL.rule}")
    elif not all(is_bank(bank) for bank in banks):
        yield FieldError("banks", BANK_RULE)
    elif len(Routing("", banks).to_json().encode()) > MAX_BYTES - 2 * MAX_BANK_LENGTH:
        yield FieldError("banks", f"must fit a parameter of {MAX_BYTES} bytes")
    expected = body.get("expected", 0)
    if type(expected) is not int or expected < 0:
        yield FieldError("expected", "expected the number of the latest change, 0 before the first")


def is_bank(name: str) -> bool:
    """Whether a name keeps BANK_RULE."""
    return bool(MODEL_PATTERN.fullmatch(name)) and len(name) <= MAX_BANK_LENGTH and name != DEFAULT


def _unpromoted(routing: Routing, promoted: Collection[str]) -> Iterator[FieldError]:
    rule = "names a model of which nothing is promoted"
    if routing.default not in promoted:
        yield FieldError("default", rule)
    for bank, model in routing.banks.items():
        if model not in promoted:
            yield FieldError(f"banks.{bank}", rule)


def _plain(routing: Routing | None) -> dict[str, Any] | None:
    return None if routing is None else {"default": routing.default, "banks": dict(routing.banks)}
