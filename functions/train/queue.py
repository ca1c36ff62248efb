"""The training queue as the train function sees it: when a message that failed comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import boto3

from functions.shared.errors import (
    JobFailedError,
    JobRunningError,
    MalformedRequestError,
    RegistryUnavailableError,
)
from functions.shared.http import logger, places
from functions.shared.jobs import Jobs
from functions.shared.registry import CLIENT_CONFIG, aws_errors
from functions.train.messages import read_orders
from functions.train.work import do

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mypy_boto3_sqs import SQSClient

    from functions.shared.jobs import TrainingRequest
    from functions.shared.settings import Settings
    from functions.train.work import Outcome

# The queue's maxReceiveCount in template.yaml: what is not done then goes to the dead letters.
MAX_RECEIVES = 3
FIRST_RETRY_S = 30
LAST_RETRY_S = 900


@dataclass(frozen=True, slots=True)
class TrainQueue:
    """Works off messages that Lambda's event source mapping has received."""

    jobs: Jobs
    sqs: SQSClient
    name: str

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """With clients from the usual AWS environment."""
        sqs = boto3.client("sqs", config=CLIENT_CONFIG)
        return cls(Jobs.connect(settings), sqs, settings.train_queue)

    def work_off(
        self, records: Sequence[Mapping[str, Any]], fit: Callable[[TrainingRequest], Outcome]
    ) -> dict[str, Any]:
        """Do every message's orders; the answer names the messages that have to come back."""
        failed = []
        for record in records:
            retry_s = self._retry_s(record, fit)
            if retry_s is not None:
                self._come_back(record, retry_s)
                failed.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failed}

    def _retry_s(
        self, record: Mapping[str, Any], fit: Callable[[TrainingRequest], Outcome]
    ) -> int | None:
        """Seconds until the message has to come back; None where it is done.

        A message that cannot be done comes back at once, as often as the queue lets it before the
        dead-letter queue; its job has failed, so nothing is trained on the way.
        """
        receives = int(record["attributes"]["ApproximateReceiveCount"])
        try:
            for order in read_orders(record["body"]):
                do(order, self.jobs, fit, last_try=receives >= MAX_RECEIVES)
        except (MalformedRequestError, JobFailedError) as error:
            logger.warning("not done", message_id=record["messageId"], problem=error.message)
            return 0
        except JobRunningError as error:
            return error.retry_after_s
        except RegistryUnavailableError as error:
            logger.warning(
                "again later",
                message_id=record["messageId"],
                problem=error.message,
                trace=places(error),
            )
            return backoff_s(receives)
        return None

    def _come_back(self, record: Mapping[str, Any], seconds: int) -> None:
        """Set the message's visibility; else it would stay hidden for the queue's 90 minutes."""
        try:
            with aws_errors("SQS"):
                self.sqs.change_message_visibility(
                    QueueUrl=self.sqs.get_queue_url(QueueName=self.name)["QueueUrl"],
                    ReceiptHandle=record["receiptHandle"],
                    VisibilityTimeout=seconds,
                )
        except RegistryUnavailableError as error:  # it comes back all the same, only later
            logger.warning("visibility unchanged", problem=error.message)


def backoff_s(receives: int) -> int:
    """Seconds to wait after a passing failure: 30, 60, 120, ... up to 15 minutes.

    Examples
    --------
    >>> backoff_s(1), backoff_s(2), backoff_s(9)
    (30, 60, 900)
    """
    return min(FIRST_RETRY_S << (receives - 1), LAST_RETRY_S)
