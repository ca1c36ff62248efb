"""Hands training jobs to the train function: first the job is recorded, then its message sent."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import boto3

from scoreline.aws.clients import CLIENT_CONFIG, aws_errors
from scoreline.core.errors import RegistryUnavailableError
from scoreline.jobs.jobs import Jobs, JobState

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from scoreline.core.settings import Settings
    from scoreline.jobs.jobs import TrainingRequest

UNSENT = "the training queue did not take the job; post it again"


@dataclass(frozen=True, slots=True)
class Submissions:
    """The jobs table and the queue before the train function."""

    jobs: Jobs
    sqs: SQSClient
    queue: str

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """With clients from the usual AWS environment."""
        sqs = boto3.client("sqs", config=CLIENT_CONFIG)
        return cls(Jobs.connect(settings), sqs, settings.train_queue)

    def submit(self, request: TrainingRequest, cause: str) -> dict[str, Any]:
        """The job that `cause` asks for; asked for again, the same job, sent again while it waits.

        Raises
        ------
        RegistryUnavailableError
            The job is not on its way; where it could be recorded, it says so.
        """
        job = request.job_id(cause)
        self.jobs.queue(job, request)
        item = self.jobs.get(job)
        if item["state"] == JobState.QUEUED:
            self._send(job, request)
        return item

    def _send(self, job: str, request: TrainingRequest) -> None:
        body = {"job": job, **asdict(request)}
        try:
            with aws_errors("SQS"):
                url = self.sqs.get_queue_url(QueueName=self.queue)["QueueUrl"]
                self.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
        except RegistryUnavailableError as error:
            self.jobs.unsent(job, UNSENT)
            raise RegistryUnavailableError(f"job {job}: {UNSENT} ({error.message})") from error
