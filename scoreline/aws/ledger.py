"""The ledger table of DynamoDB: numbered entries that are written once and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

import boto3
from botocore.exceptions import ClientError

from scoreline.aws.clients import CLIENT_CONFIG, aws_errors, is_conflict
from scoreline.core.errors import RegistryUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_dynamodb.service_resource import Table

    from scoreline.core.settings import Settings

HEAD = "head"  # sorts after every sequence number


class LedgerEntry(Protocol):
    """One change of what a parameter says."""

    @property
    def sequence(self) -> int:
        """1 for the first entry of a subject."""

    @property
    def retry(self) -> str:
        """The request that writes the parameter again, for an error message."""

    def to_item(self) -> Mapping[str, object]:
        """The attributes that DynamoDB keeps."""

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Inverse of `to_item`."""


class Ledger[Entry: LedgerEntry]:
    """The entries of each subject: `000000000001`, `000000000002`, ... and a copy of the latest."""

    def __init__(self, table: Table, entry_type: type[Entry]) -> None:
        self.table = table
        self._entry_type = entry_type

    @classmethod
    def connect(cls, settings: Settings, entry_type: type[Entry]) -> Self:
        """Connect with the credentials and the region of the environment."""
        resource = boto3.resource("dynamodb", config=CLIENT_CONFIG)
        return cls(resource.Table(settings.ledger_table), entry_type)

    def head(self, subject: str) -> Entry | None:
        """The latest entry of a subject; None before the first."""
        item = self._head_item(subject)
        return None if item is None else self._entry_type.from_item(item)

    def history(self, subject: str) -> list[Entry]:
        """All entries of a subject, oldest first."""
        with aws_errors("DynamoDB"):
            pages = self.table.meta.client.get_paginator("query").paginate(
                TableName=self.table.name,
                # The numbered entries only: the head is a copy of the last one.
                KeyConditionExpression="#model = :model AND #entry < :head",
                ExpressionAttributeNames={"#model": "model", "#entry": "entry"},
                ExpressionAttributeValues={":model": subject, ":head": HEAD},
                ConsistentRead=True,
            )
            return [self._entry_type.from_item(item) for page in pages for item in page["Items"]]

    def append(self, subject: str, entry: Entry) -> bool:
        """Write an entry; False where another entry has its number already."""
        item = {"model": subject, **entry.to_item()}
        # The condition on the head lets only one of two writers add the entry that follows it.
        head = self._put({**item, "entry": HEAD}, replaces=entry.sequence - 1)
        new = self._put({**item, "entry": f"{entry.sequence:012d}"}, replaces=0)
        with aws_errors("DynamoDB"):
            try:
                self.table.meta.client.transact_write_items(TransactItems=[head, new])
            except ClientError as error:
                if not is_conflict(error):
                    raise
                return False
        return True

    def follow(self, subject: str, entry: Entry, write: Callable[[Entry], None]) -> Entry:
        """Write a parameter from an entry, and again while a newer entry has become the head.

        Every writer reads the head after its write, so whoever writes last leaves the parameter
        equal to the ledger, however slow the writer of an older entry is.

        Parameters
        ----------
        write : writes the parameter from an entry

        Raises
        ------
        RegistryUnavailableError
            The ledger has the entry, but the parameter may not show it; the message says how to
            try again.
        """
        try:
            while True:
                write(entry)
                item = self._head_item(subject)
                if item is None or item["sequence"] == entry.sequence:
                    return entry
                entry = self._entry_type.from_item(item)
        except RegistryUnavailableError as error:
            raise RegistryUnavailableError(
                f"the ledger has the change, but it may not be in effect yet: {entry.retry} "
                f"({error.message})"
            ) from error

    def _head_item(self, subject: str) -> dict[str, Any] | None:
        with aws_errors("DynamoDB"):
            key = {"model": subject, "entry": HEAD}
            return self.table.get_item(Key=key, ConsistentRead=True).get("Item")

    def _put(self, item: dict[str, Any], *, replaces: int) -> Any:
        """A put that replaces only the entry of this number; 0 if there must be none."""
        put: dict[str, Any] = {
            "TableName": self.table.name,
            "Item": item,
            "ExpressionAttributeNames": {"#sequence": "sequence"},
            "ConditionExpression": "attribute_not_exists(#sequence)",
        }
        if replaces:
            put["ConditionExpression"] = "#sequence = :replaced"
            put["ExpressionAttributeValues"] = {":replaced": replaces}
        return {"Put": put}
