"""The ledger: who let which version decide, instead of which, why and when; written once, kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Self

from scoreline.core.errors import PromotionConflictError
from scoreline.core.versions import VersionRef, Watch
from scoreline.governance.entries import Entries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scoreline.core.settings import Settings

Action = Literal["promote", "rollback", "confirm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One promotion or rollback of a model, or the good end of a watch; the latest is the head.

    Attributes
    ----------
    pointer_writes : how often the model's pointer had been written when the entry was
    override : gates that the version had not passed, and `approval` by another one, if overridden
    watch : the one that a promotion begins
    """

    sequence: int
    action: Action
    previous: str | None
    champion: VersionRef
    who: str
    reason: str
    at: str
    pointer_writes: int
    override: tuple[str, ...] = ()
    watch: Watch | None = None

    def to_json(self) -> dict[str, object]:
        """The entry as a client reads it."""
        return {
            "sequence": self.sequence,
            "action": self.action,
            "from": self.previous,
            "to": self.champion.version,
            "who": self.who,
            "reason": self.reason,
            "at": self.at,
            "override": list(self.override),
        }

    def to_item(self) -> dict[str, Any]:
        """The entry as DynamoDB keeps it."""
        return {
            **self.to_json(),
            "sha256": self.champion.sha256,
            "pointer_writes": self.pointer_writes,
            "watch": asdict(self.watch) if self.watch else None,
        }

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Entry:
        """Inverse of `to_item`."""
        return cls(
            sequence=int(item["sequence"]),
            action=item["action"],
            previous=item["from"],
            champion=VersionRef(item["to"], item["sha256"]),
            who=item["who"],
            reason=item["reason"],
            at=item["at"],
            pointer_writes=int(item["pointer_writes"]),
            override=tuple(item.get("override", ())),
            watch=Watch.from_json(item["watch"]) if item.get("watch") else None,
        )


class Ledger:
    """The promotions and rollbacks of each model."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """With a client from the usual AWS environment."""
        return cls(Entries.connect(settings))

    def head(self, model: str) -> Entry | None:
        """The latest entry of a model, which names its champion; None before the first."""
        item = self._entries.head(model)
        return None if item is None else Entry.from_item(item)

    def history(self, model: str) -> list[Entry]:
        """All entries of a model, oldest first."""
        return [Entry.from_item(item) for item in self._entries.all(model)]

    def record(
        self,
        model: str,
        action: Action,
        champion: VersionRef,
        *,
        after: Entry | None,
        who: str,
        reason: str,
        pointer_writes: int,
        override: tuple[str, ...] = (),
        watch_minutes: float = 0,
    ) -> Entry:
        """Add an entry that follows `after`, the head on which the caller decided.

        A rollback to the champion that the head names already is the head's rollback once more.

        Parameters
        ----------
        watch_minutes : how long the champion of `after` is the new one's shadow

        Raises
        ------
        PromotionConflictError
            The head is another one by now.
        """
        sequence, now = 1 if after is None else after.sequence + 1, datetime.now(UTC)
        until = now + timedelta(minutes=watch_minutes)
        watch = Watch(sequence, _text(until), after.champion) if after and watch_minutes else None
        entry = Entry(
            sequence=sequence,
            action=action,
            previous=_replaced(after, champion),
            champion=champion,
            who=who,
            reason=reason,
            at=_text(now),
            pointer_writes=pointer_writes,
            override=override,
            watch=watch,
        )
        if not self._entries.append(model, entry.to_item()):
            raise PromotionConflictError(f"{model}: another promotion or rollback came first")
        return entry


def _text(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def _replaced(head: Entry | None, champion: VersionRef) -> str | None:
    """The version that `champion` takes the place of."""
    if head is None or head.champion == champion:
        return head.previous if head else None
    return head.champion.version


def champion_before(entries: Sequence[Entry]) -> VersionRef:
    """The champion that a rollback returns to: promotions stack up, every rollback takes one off.

    What names the champion that is on top already, a rollback once more or a good end of a watch,
    takes none off.

    Raises
    ------
    PromotionConflictError
        No promotion is left under the present one.
    """
    stack: list[VersionRef] = []
    for entry in entries:
        if entry.action == "promote":
            stack.append(entry.champion)
        elif stack[-1] != entry.champion:
            stack.pop()
    if len(stack) < 2:
        raise PromotionConflictError("there is no earlier champion to go back to")
    return stack[-2]
