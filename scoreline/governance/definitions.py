"""The definitions that a deployment trains by: data science registers them, the ledger keeps who.

A definition is a file in S3 below its SHA-256, written once. The ledger says which one counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from scoreline.aws.ledger import Ledger
from scoreline.core.errors import DefinitionConflictError, DefinitionError, ModelNotFoundError
from scoreline.core.versions import digest
from scoreline.definition.files import load_definition, read_shipped, read_text, shipped_models
from scoreline.governance.entry import SERVICE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.service_resource import Table

    from scoreline.api.operations_answers import DefinitionRegistration, RegisteredDefinition
    from scoreline.aws.registry import ModelRegistry
    from scoreline.definition.files import Loaded

SHIPPED = "ships with Scoreline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A registration, as the ledger keeps it.

    Attributes
    ----------
    sha256 : of the definition's text in UTF-8
    """

    sequence: int
    sha256: str
    who: str
    reason: str
    at: str

    @property
    def retry(self) -> str:
        """The request that repeats this registration."""
        return "register the definition again"

    def to_item(self) -> DefinitionRegistration:
        """The registration as the ledger table keeps it and the API shows it."""
        return {
            "sequence": self.sequence,
            "action": "define",
            "sha256": self.sha256,
            "who": self.who,
            "reason": self.reason,
            "at": self.at,
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Registration:
        """Inverse of `to_item`."""
        return cls(
            sequence=int(item["sequence"]),
            sha256=item["sha256"],
            who=item["who"],
            reason=item["reason"],
            at=item["at"],
        )


@dataclass(frozen=True, slots=True)
class Definitions:
    """Registers definitions and reads the one that counts."""

    registry: ModelRegistry
    ledger: Ledger[Registration]

    @classmethod
    def of(cls, registry: ModelRegistry, table: Table) -> Self:
        """The definitions of a registry, with the table of its ledger."""
        return cls(registry, Ledger(table, Registration))

    def register(
        self, model: str, text: str, *, who: str, reason: str, expected: int | None = None
    ) -> Registration:
        """Let a definition count from now on; the text that counts already adds no entry.

        Parameters
        ----------
        text : of a definition file
        expected : number of the latest registration that the caller knows, 0 for none, None for any

        Raises
        ------
        DefinitionError
            The definition breaks a rule, or it is another model's.
        DefinitionConflictError
            The latest registration is not `expected`, or another one came first.
        """
        read_text(f"{model}.toml", text)
        head = self.ledger.head(_subject(model))
        sequence = head.sequence if head else 0
        if expected not in (None, sequence):
            raise DefinitionConflictError(f"the latest registration is number {sequence}")
        sha256 = digest(text.encode())
        if head is not None and head.sha256 == sha256:
            return head
        self.registry.keep_definition(model, sha256, text)
        registration = Registration(
            sequence=sequence + 1,
            sha256=sha256,
            who=who,
            reason=reason,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        if not self.ledger.append(_subject(model), registration):
            raise DefinitionConflictError("another registration came first")
        return registration

    def register_shipped(self) -> None:
        """Register the definitions that ship, each where its model has none yet."""
        for model in shipped_models():
            if self.ledger.head(_subject(model)) is None:
                self.register(model, read_shipped(model), who=SERVICE, reason=SHIPPED, expected=0)

    def show(self, model: str) -> RegisteredDefinition:
        """The definition that counts and all registrations, newest first.

        Raises
        ------
        ModelNotFoundError
            No definition is registered for this model.
        """
        entries = self.ledger.history(_subject(model))
        if not entries:
            raise ModelNotFoundError("no definition of this model is registered")
        return {
            "model": model,
            "definition": self._text(model, entries[-1]),
            "sha256": entries[-1].sha256,
            "history": [entry.to_item() for entry in reversed(entries)],
        }

    def load(self, model: str) -> Loaded:
        """The definition that counts; the one that ships where none is registered.

        Raises
        ------
        DefinitionError
            There is no definition of this model, or it breaks a rule.
        """
        head = self.ledger.head(_subject(model))
        if head is None:
            return load_definition(model)
        return read_text(f"{model}.toml", self._text(model, head))

    def _text(self, model: str, registration: Registration) -> str:
        """The text that a registration names, held against the ledger's digest."""
        content = self.registry.read_definition(model, registration.sha256)
        if content is None or digest(content) != registration.sha256:
            raise DefinitionError(
                f"{model}.toml: the file in S3 is not the one that was registered as number "
                f"{registration.sequence}; register the definition again with another comment"
            )
        return content.decode()


def _subject(model: str) -> str:
    return f"#definition {model}"  # no model has this name
