"""Training jobs in DynamoDB: one item per job, whose id stands for the event that asked for it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import boto3

from scoreline.aws.clients import CLIENT_CONFIG, aws_errors
from scoreline.aws.dynamodb import conflicts_ignored
from scoreline.core.errors import JobNotFoundError
from scoreline.core.versions import digest

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

    from scoreline.core.settings import Settings

# A running job whose function died is taken over after Lambda's longest run of 15 minutes.
LEASE_S = 15 * 60
# How long SQS keeps a message that nobody takes; the queue's MessageRetentionPeriod.
MESSAGE_LIFE_S = 4 * 24 * 3600

_PUBLIC = {
    "job",
    "model",
    "dataset_path",
    "trained_by",
    "state",
    "queued_at",
    "started_at",
    "ended_at",
    "model_name",
    "score",
    "status",
    "reason",
}


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What to train on what.

    Attributes
    ----------
    trained_by : the identity that asks for it, as far as AWS tells
    """

    model: str
    dataset_path: str
    trained_by: str = ""

    def job_id(self, cause: str) -> str:
        """Id of the job that `cause` (request id, object version) asks for; always the same."""
        return digest(json.dumps([self.model, self.dataset_path, cause]).encode())[:32]


class Jobs:
    """The jobs table.

    Besides what a client sees, a job's item holds `due_until` (when its message is gone), `message`
    (whose run was the latest), `repeatable` (a failed job starts anew where it is asked for again)
    and what `functions.train.runs` keeps there. Items without a `state` are its locks.
    """

    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """With a client from the usual AWS environment."""
        resource = boto3.resource("dynamodb", config=CLIENT_CONFIG)
        return cls(resource.Table(settings.jobs_table))

    def get(self, job: str) -> dict[str, Any]:
        """The job's item: job, model, dataset_path, state, times and, in the end, the result."""
        item = self.item(job)
        if "state" not in item:
            raise JobNotFoundError("no such job")
        now = time.time()
        if item["state"] == JobState.RUNNING and item["lease_until"] < now:
            if item["last_try"]:
                item |= {"state": JobState.FAILED, "reason": "its last run ended without a result"}
            else:
                item |= {"state": JobState.QUEUED, "reason": "its run ended without a result"}
        elif item["state"] == JobState.QUEUED and item["due_until"] < now:
            reason = "its message has left the queue; the dead-letter queue may have it"
            item |= {"state": JobState.FAILED, "reason": reason}
        return {name: _plain(value) for name, value in item.items() if name in _PUBLIC}

    def queue(self, job: str, request: TrainingRequest, *, message: str = "") -> None:
        """Record a new job; one that exists stays as it is, unless it may start anew.

        That may one that was given up, or whose message has gone; not by the `message` which it was
        given up with, for that one is on its way to the dead letters.
        """
        item: dict[str, Any] = {
            "job": job,
            "model": request.model,
            "dataset_path": request.dataset_path,
            "trained_by": request.trained_by,
            "state": JobState.QUEUED,
            "queued_at": now_text(),
            "due_until": int(time.time()) + MESSAGE_LIFE_S,
        }
        with aws_errors("DynamoDB"), conflicts_ignored():
            self.table.put_item(
                Item=item,
                ConditionExpression="attribute_not_exists(job)"
                " OR (attribute_exists(repeatable) AND NOT message = :message)"
                " OR (#s = :queued AND due_until < :now)",
                ExpressionAttributeNames={"#s": "state"},
                ExpressionAttributeValues={
                    ":message": message,
                    ":queued": JobState.QUEUED,
                    ":now": int(time.time()),
                },
            )

    def unsent(self, job: str, reason: str) -> None:
        """Record that a waiting job's message was not sent; `queue` may then record it again."""
        result = {"reason": reason, "repeatable": True, "ended_at": now_text()}
        self.move(job, JobState.FAILED, "#s = :queued", {":queued": JobState.QUEUED}, **result)

    def move(
        self, job: str, state: JobState, condition: str, values: dict[str, Any], **result: Any
    ) -> bool:
        """Move a job on and add `result`; whether its item met the condition and so has moved."""
        settings = "".join(f", #{name} = :{name}" for name in result)
        with aws_errors("DynamoDB"), conflicts_ignored():
            self.table.update_item(
                Key={"job": job},
                UpdateExpression=f"SET #s = :state{settings}",
                ConditionExpression=condition,
                ExpressionAttributeNames={"#s": "state", **{f"#{name}": name for name in result}},
                ExpressionAttributeValues={
                    ":state": state,
                    **values,
                    **{f":{name}": value for name, value in result.items()},
                },
            )
            return True
        return False

    def item(self, job: str) -> dict[str, Any]:
        """The whole item of a job."""
        with aws_errors("DynamoDB"):
            item = self.table.get_item(Key={"job": job}, ConsistentRead=True).get("Item")
        if item is None:
            raise JobNotFoundError("no such job")
        return item


def now_text() -> str:
    """The present time as jobs record it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _plain(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)
