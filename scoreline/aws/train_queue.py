"""The SQS queue before the train function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import boto3

from scoreline.aws.clients import CLIENT_CONFIG, aws_errors

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from scoreline.core.settings import Settings

# How long SQS keeps a message; the queue's MessageRetentionPeriod in template.yaml.
MESSAGE_LIFE_S = 4 * 24 * 3600
# How often SQS delivers a message before the dead-letter queue; its maxReceiveCount there.
MAX_RECEIVES = 3
# The longest delay that SQS accepts.
LONGEST_DELAY_S = 900


@dataclass(frozen=True, slots=True)
class TrainQueue:
    """The training queue of a deployment."""

    sqs: SQSClient
    name: str

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Connect with the credentials and the region of the environment."""
        return cls(boto3.client("sqs", config=CLIENT_CONFIG), settings.train_queue)

    def send(self, body: str, *, delay_s: int = 0) -> None:
        """Send a message that is received after a delay of at most LONGEST_DELAY_S."""
        with aws_errors("SQS"):
            self.sqs.send_message(QueueUrl=self._url(), MessageBody=body, DelaySeconds=delay_s)

    def hide(self, receipt: str, seconds: int) -> None:
        """Let SQS deliver a received message again after so many seconds."""
        with aws_errors("SQS"):
            self.sqs.change_message_visibility(
                QueueUrl=self._url(), ReceiptHandle=receipt, VisibilityTimeout=seconds
            )

    def _url(self) -> str:
        return self.sqs.get_queue_url(QueueName=self.name)["QueueUrl"]
