"""The training queue as the train function sees it: which message is done, waits or comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import boto3

from functions.train.runs import Message, Runs
from functions.train.work import do
from scoreline.aws.clients import CLIENT_CONFIG, aws_errors
from scoreline.core.errors import (
    JobFailedError,
    JobWaitsError,
    MalformedRequestError,
    RegistryUnavailableError,
)
from scoreline.core.log import logger, places
from scoreline.jobs.messages import read_orders, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_sqs import SQSClient

    from functions.train.trainer import Trainer
    from scoreline.core.settings import Settings
    from scoreline.jobs.messages import Order

FIRST_RETRY_S = 30
LAST_RETRY_S = 900  # the longest that SQS delays a message


@dataclass(frozen=True, slots=True)
class TrainQueue:
    """Works off messages that Lambda's event source mapping has received."""

    runs: Runs
    sqs: SQSClient
    name: str

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """With clients from the usual AWS environment."""
        sqs = boto3.client("sqs", config=CLIENT_CONFIG)
        return cls(Runs.connect(settings), sqs, settings.train_queue)

    def work_off(self, records: Sequence[Mapping[str, Any]], trainer: Trainer) -> dict[str, Any]:
        """Do every message's orders; the answer names the messages that have to come back."""
        failed = [record["messageId"] for record in records if not self._is_done(record, trainer)]
        return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}

    def _is_done(self, record: Mapping[str, Any], trainer: Trainer) -> bool:
        """Whether the message has done its duty; one that comes back has its visibility set.

        A message that cannot be done comes back at once, as often as the queue lets it before the
        dead-letter queue; its job has failed, so nothing is trained on the way.
        """
        receives = int(record["attributes"]["ApproximateReceiveCount"])
        message = Message(record["messageId"], receives)
        try:
            for order in self._orders(record):
                do(order, message, self.runs, trainer)
        except JobFailedError as error:
            logger.warning("not done", message_id=message.id, problem=error.message)
            return self._come_back(record, 0)
        except JobWaitsError as error:
            logger.info("waits", message_id=message.id, problem=error.message)
            return self._wait(record, min(error.retry_after_s, LAST_RETRY_S))
        except RegistryUnavailableError as error:
            trace = places(error)
            logger.warning("again later", message_id=message.id, problem=error.message, trace=trace)
            return self._come_back(record, backoff_s(receives))
        return True

    def _orders(self, record: Mapping[str, Any]) -> list[Order]:
        try:
            return read_orders(record["body"])
        except MalformedRequestError as error:
            return [unreadable(record["messageId"], error.message)]

    def _wait(self, record: Mapping[str, Any], seconds: int) -> bool:
        """Put a copy of the message into the queue: waiting must not use up its receives."""
        try:
            with aws_errors("SQS"):
                self.sqs.send_message(
                    QueueUrl=self._url(), MessageBody=record["body"], DelaySeconds=seconds
                )
        except RegistryUnavailableError as error:
            logger.warning("not copied", problem=error.message)
            return self._come_back(record, seconds)
        return True

    def _come_back(self, record: Mapping[str, Any], seconds: int) -> bool:
        """Set the message's visibility; else it would stay hidden for the queue's 90 minutes."""
        try:
            with aws_errors("SQS"):
                self.sqs.change_message_visibility(
                    QueueUrl=self._url(),
                    ReceiptHandle=record["receiptHandle"],
                    VisibilityTimeout=seconds,
                )
        except RegistryUnavailableError as error:  # it comes back all the same, only later
            logger.warning("visibility unchanged", problem=error.message)
        return False

    def _url(self) -> str:
        return self.sqs.get_queue_url(QueueName=self.name)["QueueUrl"]


def backoff_s(receives: int) -> int:
    """Seconds to wait after a passing failure: 30, 60, 120, ... up to 15 minutes.

    Examples
    --------
    >>> backoff_s(1), backoff_s(2), backoff_s(9)
    (30, 60, 900)
    """
    return min(FIRST_RETRY_S << (receives - 1), LAST_RETRY_S)
