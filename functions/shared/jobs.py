"""Training jobs in DynamoDB: one item per job, whose id stands for the event that asked for it."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.exceptions import ClientError

from functions.shared.errors import JobNotFoundError, JobRunningError
from functions.shared.registry import CLIENT_CONFIG, aws_errors
from functions.shared.versions import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb.service_resource import Table

    from functions.shared.settings import Settings

# A running job whose function died is taken over after Lambda's longest run of 15 minutes.
LEASE_S = 15 * 60

# Attributes that no client sees. `last_try`: the message of this run does not come back.
# `repeatable`: a failed job that starts anew where it is asked for again.
_INTERNAL = {"lease_until", "last_try", "repeatable"}

_CONFLICTS = {"ConditionalCheckFailed", "TransactionConflict"}


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What to train on what."""

    model: str
    dataset_path: str

    def job_id(self, cause: str) -> str:
        """Id of the job that `cause` (request id, object version) asks for; always the same."""
        return digest(json.dumps([self.model, self.dataset_path, cause]).encode())[:32]


class Jobs:
    """The jobs table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """With a client from the usual AWS environment."""
        resource = boto3.resource("dynamodb", config=CLIENT_CONFIG)
        return cls(resource.Table(settings.jobs_table))

    def get(self, job: str) -> dict[str, Any]:
        """The job's item: job, model, dataset_path, state, times and, in the end, the result."""
        item = self._item(job)
        if item["state"] == JobState.RUNNING and item["lease_until"] < time.time():
            if item["last_try"]:
                item |= {"state": JobState.FAILED, "reason": "its last run ended without a result"}
            else:
                item |= {"state": JobState.QUEUED, "reason": "its run ended without a result"}
        return {k: _plain(v) for k, v in item.items() if k not in _INTERNAL}

    def queue(self, job: str, request: TrainingRequest) -> None:
        """Record a new job; one that exists stays as it is, unless it is a repeatable one."""
        item = {
            "job": job,
            "model": request.model,
            "dataset_path": request.dataset_path,
            "state": JobState.QUEUED,
            "queued_at": _now(),
        }
        condition = "attribute_not_exists(job) OR attribute_exists(repeatable)"
        with aws_errors("DynamoDB"), _conflicts_ignored():
            self._table.put_item(Item=item, ConditionExpression=condition)

    def start(self, job: str, request: TrainingRequest, *, last_try: bool) -> dict[str, Any] | None:
        """Take the job; returns its item instead where it has ended for good.

        Parameters
        ----------
        last_try : nobody takes the job over if this run dies, so it counts as failed then

        Raises
        ------
        JobRunningError
            Another invocation holds it.
        """
        self.queue(job, request)
        now = int(time.time())
        with aws_errors("DynamoDB"):
            try:
                self._table.update_item(
                    Key={"job": job},
                    UpdateExpression="SET #s = :running, started_at = :now, lease_until = :lease,"
                    " last_try = :last REMOVE reason",
                    ConditionExpression="#s = :queued OR (#s = :running AND lease_until < :epoch)",
                    ExpressionAttributeNames={"#s": "state"},
                    ExpressionAttributeValues={
                        ":running": JobState.RUNNING,
                        ":queued": JobState.QUEUED,
                        ":now": _now(),
                        ":lease": now + LEASE_S,
                        ":last": last_try,
                        ":epoch": now,
                    },
                )
            except ClientError as error:
                if not is_conflict(error):
                    raise
            else:
                return None
        item = self._item(job)
        if item["state"] in {JobState.SUCCEEDED, JobState.FAILED}:
            return {k: _plain(v) for k, v in item.items()}
        lease_until = int(item.get("lease_until", now))
        raise JobRunningError(max(lease_until - now, 0) + 1)

    def succeed(self, job: str, *, model_name: str, score: float) -> None:
        """Record the version that came out and its test AUC."""
        exact = Decimal(f"{score:.6f}")
        self._set(job, JobState.SUCCEEDED, model_name=model_name, score=exact, ended_at=_now())

    def fail(self, job: str, reason: str) -> None:
        """Record why the job ended without a version."""
        self._set(job, JobState.FAILED, reason=reason, ended_at=_now())

    def give_up(self, job: str, reason: str) -> None:
        """Record the passing error that met the last try; asked for again, the job starts anew."""
        self._set(job, JobState.FAILED, reason=reason, repeatable=True, ended_at=_now())

    def release(self, job: str, reason: str) -> None:
        """Give the job back to the queue after an error that may pass."""
        self._set(job, JobState.QUEUED, reason=reason)

    def unsent(self, job: str, reason: str) -> None:
        """Record that a waiting job's message was not sent; `queue` may then record it again."""
        result = {"reason": reason, "repeatable": True, "ended_at": _now()}
        self._set(job, JobState.FAILED, was=JobState.QUEUED, **result)

    def _set(
        self, job: str, state: JobState, *, was: JobState = JobState.RUNNING, **result: Any
    ) -> None:
        """Move a job on; one that is no longer in the state `was` stays as it is."""
        values = {f":{name}": value for name, value in result.items()}
        with aws_errors("DynamoDB"), _conflicts_ignored():
            self._table.update_item(
                Key={"job": job},
                UpdateExpression="SET #s = :state, " + ", ".join(f"{k} = :{k}" for k in result),
                ConditionExpression="#s = :was",
                ExpressionAttributeNames={"#s": "state"},
                ExpressionAttributeValues={":state": state, ":was": was, **values},
            )

    def _item(self, job: str) -> dict[str, Any]:
        with aws_errors("DynamoDB"):
            item = self._table.get_item(Key={"job": job}, ConsistentRead=True).get("Item")
        if item is None:
            raise JobNotFoundError("no such job")
        return item


@contextmanager
def _conflicts_ignored() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if not is_conflict(error):
            raise


def is_conflict(error: ClientError) -> bool:
    """Whether DynamoDB refused a write because of another one, and not because it is overloaded."""
    code = error.response["Error"]["Code"]
    if code == "TransactionCanceledException":
        reasons = {str(r.get("Code")) for r in error.response.get("CancellationReasons", [])}
        return bool(reasons & _CONFLICTS)
    return code in {"ConditionalCheckFailedException", "TransactionConflictException"}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _plain(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)
