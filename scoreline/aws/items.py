"""Items of any DynamoDB table, read through boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import boto3

from scoreline.aws.attributes import plain, typed
from scoreline.aws.clients import CLIENT_CONFIG, aws_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient


class Items:
    """The DynamoDB tables of an account."""

    def __init__(self, dynamodb: DynamoDBClient) -> None:
        self._dynamodb = dynamodb

    @classmethod
    def connect(cls) -> Self:
        """Connect with the credentials and the region of the environment."""
        return cls(boto3.client("dynamodb", config=CLIENT_CONFIG))

    def get_item(self, table: str, key: Mapping[str, str]) -> dict[str, Any]:
        """The item of a key, with plain values; {} where there is no item.

        Raises
        ------
        RegistryUnavailableError
            DynamoDB does not answer.
        """
        # Consistent, so that a caller reads what it has just written.
        with aws_errors("DynamoDB"):
            answer = self._dynamodb.get_item(TableName=table, Key=typed(key), ConsistentRead=True)
        return {name: plain(value) for name, value in answer.get("Item", {}).items()}
