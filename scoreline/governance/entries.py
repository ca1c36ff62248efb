"""Numbered entries of DynamoDB, written once and kept: what a ledger consists of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.exceptions import ClientError

from scoreline.aws.clients import CLIENT_CONFIG, aws_errors
from scoreline.aws.dynamodb import is_conflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

    from scoreline.core.settings import Settings

HEAD = "head"  # sorts after every sequence number


class Entries:
    """The ledger table: `000000000001`, `000000000002`, ... of each subject, and its head."""

    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """With a client from the usual AWS environment."""
        resource = boto3.resource("dynamodb", config=CLIENT_CONFIG)
        return cls(resource.Table(settings.ledger_table))

    def head(self, subject: str) -> dict[str, Any] | None:
        """The latest entry of a subject; None before the first."""
        with aws_errors("DynamoDB"):
            key = {"model": subject, "entry": HEAD}
            return self.table.get_item(Key=key, ConsistentRead=True).get("Item")

    def all(self, subject: str) -> list[dict[str, Any]]:
        """All entries of a subject, oldest first."""
        with aws_errors("DynamoDB"):
            pages = self.table.meta.client.get_paginator("query").paginate(
                TableName=self.table.name,
                KeyConditionExpression="#model = :model AND #entry < :head",
                ExpressionAttributeNames={"#model": "model", "#entry": "entry"},
                ExpressionAttributeValues={":model": subject, ":head": HEAD},
                ConsistentRead=True,
            )
            return [item for page in pages for item in page["Items"]]

    def append(self, subject: str, item: dict[str, Any]) -> bool:
        """Write the entry that `item["sequence"]` numbers; False where another has its number."""
        item = {"model": subject, **item}
        head = self._put({**item, "entry": HEAD}, after=item["sequence"] - 1)
        new = self._put({**item, "entry": f"{item['sequence']:012d}"}, after=0)
        with aws_errors("DynamoDB"):
            try:
                self.table.meta.client.transact_write_items(TransactItems=[head, new])
            except ClientError as error:
                if not is_conflict(error):
                    raise
                return False
        return True

    def _put(self, item: dict[str, Any], *, after: int) -> Any:
        """A put in place of the entry of this number, 0 for none."""
        put: dict[str, Any] = {
            "TableName": self.table.name,
            "Item": item,
            "ExpressionAttributeNames": {"#sequence": "sequence"},
            "ConditionExpression": "attribute_not_exists(#sequence)",
        }
        if after:
            put["ConditionExpression"] = "#sequence = :after"
            put["ExpressionAttributeValues"] = {":after": after}
        return {"Put": put}
