"""The ledger: who let which version decide, instead of which, why and when; written once, kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Self

import boto3
from botocore.exceptions import ClientError

from functions.shared.errors import PromotionConflictError
from functions.shared.jobs import is_conflict
from functions.shared.registry import CLIENT_CONFIG, aws_errors
from functions.shared.versions import VersionRef

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_dynamodb.service_resource import Table

    from functions.shared.settings import Settings

Action = Literal["promote", "rollback"]
HEAD = "head"  # sorts after every sequence number


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One promotion or rollback of a model; the latest one is the ledger's head.

    Attributes
    ----------
    pointer_writes : how often the model's pointer had been written when the entry was
    """

    sequence: int
    action: Action
    previous: str | None
    champion: VersionRef
    who: str
    reason: str
    at: str
    pointer_writes: int

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
        }

    def to_item(self) -> dict[str, Any]:
        """The entry as DynamoDB keeps it."""
        hidden = {"sha256": self.champion.sha256, "pointer_writes": self.pointer_writes}
        return {**self.to_json(), **hidden}

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
        )


class Ledger:
    """The ledger table: entries `000000000001`, `000000000002`, ... of each model, and its head."""

    def __init__(self, table: Table) -> None:
        self._table = table

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """With a client from the usual AWS environment."""
        resource = boto3.resource("dynamodb", config=CLIENT_CONFIG)
        return cls(resource.Table(settings.ledger_table))

    def head(self, model: str) -> Entry | None:
        """The latest entry of a model, which names its champion; None before the first."""
        with aws_errors("DynamoDB"):
            item = self._table.get_item(
                Key={"model": model, "entry": HEAD}, ConsistentRead=True
            ).get("Item")
        return None if item is None else Entry.from_item(item)

    def history(self, model: str) -> list[Entry]:
        """All entries of a model, oldest first."""
        with aws_errors("DynamoDB"):
            pages = self._table.meta.client.get_paginator("query").paginate(
                TableName=self._table.name,
                KeyConditionExpression="#model = :model AND #entry < :head",
                ExpressionAttributeNames={"#model": "model", "#entry": "entry"},
                ExpressionAttributeValues={":model": model, ":head": HEAD},
                ConsistentRead=True,
            )
            return [Entry.from_item(item) for page in pages for item in page["Items"]]

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
    ) -> Entry:
        """Add an entry that follows `after`, the head on which the caller decided.

        A rollback to the champion that the head names already is the head's rollback once more.

        Raises
        ------
        PromotionConflictError
            The head is another one by now.
        """
        entry = Entry(
            sequence=1 if after is None else after.sequence + 1,
            action=action,
            previous=_replaced(after, champion),
            champion=champion,
            who=who,
            reason=reason,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            pointer_writes=pointer_writes,
        )
        item = {"model": model, **entry.to_item()}
        head = self._put({**item, "entry": HEAD}, _still(after))
        new = self._put({**item, "entry": f"{entry.sequence:012d}"}, _still(None))
        with aws_errors("DynamoDB"):
            try:
                self._table.meta.client.transact_write_items(TransactItems=[head, new])
            except ClientError as error:
                if not is_conflict(error):
                    raise
                raise PromotionConflictError(
                    f"{model}: another promotion or rollback came first"
                ) from error
        return entry

    def _put(self, item: dict[str, Any], condition: dict[str, Any]) -> Any:
        return {"Put": {"TableName": self._table.name, "Item": item, **condition}}


def _replaced(head: Entry | None, champion: VersionRef) -> str | None:
    """The version that `champion` takes the place of."""
    if head is None or head.champion == champion:
        return head.previous if head else None
    return head.champion.version


def _still(head: Entry | None) -> dict[str, Any]:
    """The condition that an item is still this entry, or still absent."""
    if head is None:
        return {
            "ConditionExpression": "attribute_not_exists(#sequence)",
            "ExpressionAttributeNames": {"#sequence": "sequence"},
        }
    return {
        "ConditionExpression": "#sequence = :sequence AND #to = :to",
        "ExpressionAttributeNames": {"#sequence": "sequence", "#to": "to"},
        "ExpressionAttributeValues": {":sequence": head.sequence, ":to": head.champion.version},
    }


def champion_before(entries: Sequence[Entry]) -> VersionRef:
    """The champion that a rollback returns to: promotions stack up, every rollback takes one off.

    A rollback once more, to the champion that is on top already, takes none off.

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
