"""Items of DynamoDB as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import boto3

from functions.shared.registry import CLIENT_CONFIG, aws_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient


class Items:
    """The tables of one account."""

    def __init__(self, dynamodb: DynamoDBClient) -> None:
        self._dynamodb = dynamodb

    @classmethod
    def connect(cls) -> Self:
        """With a client from the usual AWS environment."""
        return cls(boto3.client("dynamodb", config=CLIENT_CONFIG))

    def get_item(self, table: str, key: Mapping[str, str]) -> dict[str, Any]:
        """The item of a key with plain values; {} where there is none.

        Raises
        ------
        RegistryUnavailableError
            DynamoDB does not answer.
        """
        with aws_errors("DynamoDB"):
            answer = self._dynamodb.get_item(TableName=table, Key=_attributes(key))
        return {name: plain(value) for name, value in answer.get("Item", {}).items()}


def _attributes(key: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"S": value} for name, value in key.items()}


def plain(attribute: Mapping[str, Any]) -> Any:
    """The value of an attribute of type S, N or M.

    Examples
    --------
    >>> plain({"M": {"credits": {"N": "3"}, "debt": {"N": "1.5"}}})
    {'credits': 3, 'debt': 1.5}
    """
    [(kind, value)] = attribute.items()
    if kind == "M":
        return {name: plain(member) for name, member in value.items()}
    if kind == "N":
        number = float(value)
        return int(number) if number.is_integer() else number
    return value
