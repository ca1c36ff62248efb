"""Writes items of strings to a DynamoDB table in batches, with retries."""

from __future__ import annotations

import random
import time
from itertools import batched
from typing import TYPE_CHECKING, Any, Self

import boto3

from scoreline.aws.attributes import typed
from scoreline.aws.clients import aws_errors
from scoreline.core.errors import RegistryUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

BATCH_ITEMS = 25  # limit of BatchWriteItem
ATTEMPTS = 8
FIRST_PAUSE_S = 0.05


class OnlineTable:
    """The online table of customers' features."""

    def __init__(
        self, name: str, dynamodb: DynamoDBClient, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._name = name
        self._dynamodb = dynamodb
        self._sleep = sleep

    @classmethod
    def connect(cls, name: str) -> Self:
        """Connect with a client from the AWS environment."""
        return cls(name, boto3.client("dynamodb"))

    def put(
        self,
        items: Iterable[Mapping[str, str]],
        progress: Callable[[int], None] = lambda _: None,
    ) -> int:
        """Put every item, replacing the one with the same key; returns the number of items.

        Parameters
        ----------
        progress : called after each batch with the number of items written

        Raises
        ------
        RegistryUnavailableError
            DynamoDB does not answer, or leaves items unprocessed after all attempts.
        """
        count = 0
        for batch in batched(items, BATCH_ITEMS, strict=False):
            self._put_all([{"PutRequest": {"Item": typed(item)}} for item in batch])
            count += len(batch)
            progress(count)
        return count

    def _put_all(self, requests: list[Any]) -> None:
        for attempt in range(ATTEMPTS):
            if attempt:
                # Jitter keeps concurrent writers from retrying in step.
                pause = FIRST_PAUSE_S * 2**attempt
                self._sleep(pause * random.uniform(0.5, 1))  # noqa: S311
            with aws_errors("DynamoDB"):
                answer = self._dynamodb.batch_write_item(RequestItems={self._name: requests})
            requests = list(answer.get("UnprocessedItems", {}).get(self._name, []))
            if not requests:
                return
        raise RegistryUnavailableError(f"DynamoDB leaves items of {self._name} unprocessed")
