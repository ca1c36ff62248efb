"""An entry of a model's ledger: who made which version the champion, why and when."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from scoreline.core.errors import PromotionConflictError
from scoreline.core.versions import VersionRef, Watch
from scoreline.governance.anchors import Anchor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scoreline.api.operations_answers import LedgerEntry

Action = Literal["promote", "rollback", "confirm"]

SERVICE = "scoreline"  # `who` of entries that no person asked for; people have an ARN


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A promotion, a rollback, or the confirmation that ends a watch.

    Attributes
    ----------
    previous : the champion before, None for the first one
    pointer_writes : how often the model's pointer had been written before this entry
    override : failed gates that the promotion overrides, and `approval` where the caller trained
        the version
    watch : the watch that a promotion begins
    anchor : the best version that ever served; None in entries from before it was recorded
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
    anchor: Anchor | None = None

    @property
    def best(self) -> Anchor:
        """The anchor; the champion where none was recorded."""
        return self.anchor or Anchor(self.champion.version, None)

    @property
    def retry(self) -> str:
        """The request that lets the pointer follow this entry."""
        return f"promote {self.champion.version} again"

    def to_json(self) -> LedgerEntry:
        """The entry as the API shows it."""
        entry: LedgerEntry = {
            "sequence": self.sequence,
            "action": self.action,
            "from": self.previous,
            "to": self.champion.version,
            "who": self.who,
            "reason": self.reason,
            "at": self.at,
            "override": list(self.override),
        }
        if self.anchor is not None:
            entry["anchor"] = self.anchor.to_json()
        return entry

    def to_item(self) -> Mapping[str, object]:
        """The entry as the ledger table keeps it."""
        return {
            **self.to_json(),
            "sha256": self.champion.sha256,
            "pointer_writes": self.pointer_writes,
            "watch": asdict(self.watch) if self.watch else None,
            **({"anchor": self.anchor.to_item()} if self.anchor else {}),
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Entry:
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
            anchor=Anchor.from_item(item["anchor"]) if item.get("anchor") else None,
        )


def next_entry(
    head: Entry | None,
    action: Action,
    champion: VersionRef,
    *,
    who: str,
    reason: str,
    pointer_writes: int,
    anchor: Anchor | None,
    override: tuple[str, ...] = (),
    watch_minutes: float = 0,
) -> Entry:
    """The entry that follows `head`, None for the first entry of a model.

    An entry that keeps the champion of `head` also keeps its `previous`.

    Parameters
    ----------
    watch_minutes : how long the champion of `head` runs as the shadow of the new one
    """
    # The first champion of a model has no shadow, so there is nothing to watch it against.
    sequence, now = (head.sequence if head else 0) + 1, datetime.now(UTC)
    watch, previous = None, None
    if head is not None:
        served = head.champion.version
        previous = head.previous if champion.version == served else served
        if watch_minutes:
            until = now + timedelta(minutes=watch_minutes)
            watch = Watch(sequence, until.isoformat(timespec="seconds"), head.champion)
    return Entry(
        sequence=sequence,
        action=action,
        previous=previous,
        champion=champion,
        who=who,
        reason=reason,
        at=now.isoformat(timespec="seconds"),
        pointer_writes=pointer_writes,
        override=override,
        watch=watch,
        anchor=anchor,
    )


def champion_before(entries: Sequence[Entry]) -> VersionRef:
    """The champion that a rollback returns to.

    Promotions form a stack and a rollback takes the top off. A repeated rollback and a confirmation
    name the champion that is on top already, and take nothing off.

    Raises
    ------
    PromotionConflictError
        The stack holds no other champion.
    """
    stack: list[VersionRef] = []
    for entry in entries:
        if entry.action == "promote":
            stack.append(entry.champion)
        elif stack[-1] != entry.champion:  # neither a repeated rollback nor a confirmation
            stack.pop()
    if len(stack) < 2:
        raise PromotionConflictError("there is no earlier champion to go back to")
    return stack[-2]


def anchor_with(entries: Sequence[Entry], champion: VersionRef) -> Anchor | None:
    """The anchor as it was when a champion was last promoted: a rollback also takes back that."""
    for entry in reversed(entries):
        if entry.action == "promote" and entry.champion.version == champion.version:
            return entry.anchor
    return None
