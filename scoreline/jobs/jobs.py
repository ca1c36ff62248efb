"""Training jobs as clients see them. A job's id stands for the event that asked for it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self, cast

from scoreline.aws.jobs_table import JobsTable, JobState, is_queued
from scoreline.aws.train_queue import MESSAGE_LIFE_S
from scoreline.core.errors import JobNotFoundError
from scoreline.core.versions import digest

if TYPE_CHECKING:
    from scoreline.api.operations_answers import TrainingJob
    from scoreline.core.settings import Settings

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


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """A model to train and the dataset to train it on.

    Attributes
    ----------
    trained_by : the identity that asks for the training, as far as AWS names it
    """

    model: str
    dataset_path: str
    trained_by: str = ""

    def job_id(self, cause: str) -> str:
        """Id of the job that `cause`, a request id or an object version, asks for."""
        return digest(json.dumps([self.model, self.dataset_path, cause]).encode())[:32]


class Jobs:
    """The jobs of a deployment.

    Besides what a client sees, the item of a job holds `due_until` (when its message expires),
    `message` (the message of its latest run), `repeatable` (a failed job starts again when it is
    asked for again) and the attributes of its run.
    """

    def __init__(self, table: JobsTable) -> None:
        self.table = table

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Connect with the credentials and the region of the environment."""
        return cls(JobsTable.connect(settings))

    def get(self, job: str) -> TrainingJob:
        """A job as clients see it: its request, its state, times and, at the end, its result."""
        item = self.table.item(job)
        if "state" not in item:
            raise JobNotFoundError("no such job")
        now = time.time()
        # Nobody writes into the item of a killed run, so its state is derived when it is read.
        if item["state"] == JobState.RUNNING and item["lease_until"] < now:
            if item["last_try"]:
                item |= {"state": JobState.FAILED, "reason": "its last run ended without a result"}
            else:
                item |= {"state": JobState.QUEUED, "reason": "its run ended without a result"}
        elif item["state"] == JobState.QUEUED and item["due_until"] < now:
            reason = "its message has left the queue; it may be in the dead-letter queue"
            item |= {"state": JobState.FAILED, "reason": reason}
        shown = {name: _plain(value) for name, value in item.items() if name in _PUBLIC}
        return cast("TrainingJob", shown)

    def queue(self, job: str, request: TrainingRequest, *, message: str = "") -> None:
        """Record a queued job; an existing job stays, unless it may start again.

        Parameters
        ----------
        message : the SQS message that brings the job, if it comes from the queue
        """
        item = {
            "job": job,
            "model": request.model,
            "dataset_path": request.dataset_path,
            "trained_by": request.trained_by,
            "state": JobState.QUEUED,
            "queued_at": now_text(),
            "due_until": int(time.time()) + MESSAGE_LIFE_S,
        }
        self.table.add(item, message=message)

    def mark_unsent(self, job: str, reason: str) -> None:
        """Record that the message of a queued job was not sent; `queue` may record it again."""
        self.table.update(
            job,
            is_queued(),
            state=JobState.FAILED,
            reason=reason,
            repeatable=True,
            ended_at=now_text(),
        )


def now_text() -> str:
    """The present time as jobs record it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _plain(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)
