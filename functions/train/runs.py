"""Runs of training jobs: each job is done once, and no two jobs of one model at the same time.

A run holds its job and its model by leases in the jobs table. Before it publishes a version it
writes that version's id into its job, where the run after one that was killed finds it.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError

from scoreline.aws.clients import aws_errors
from scoreline.aws.dynamodb import conflicts_ignored, is_conflict
from scoreline.core.errors import JobFailedError, JobWaitsError
from scoreline.jobs.jobs import LEASE_S, MESSAGE_LIFE_S, Jobs, JobState, now_text

if TYPE_CHECKING:
    from scoreline.core.settings import Settings
    from scoreline.jobs.jobs import TrainingRequest

# Tries of a job that meets passing errors or dies; the queue's maxReceiveCount in template.yaml.
MAX_TRIES = 3
# How soon a job asks again whether its model is free.
MODEL_POLL_S = 30
NO_RESULT = "its last run ended without a result"


@dataclass(frozen=True, slots=True)
class Message:
    """The SQS message that brings a job: its id, and how often the queue has handed it out."""

    id: str
    receives: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """The version that training published, its test AUC, and whether its gates let it pass."""

    version: str
    score: float
    status: str = "candidate"


@dataclass(frozen=True, slots=True)
class Run:
    """One try at a job.

    Attributes
    ----------
    id : tells it from a run that took the job over
    last : the job does not come again, so a passing error fails it
    claimed : what an earlier run was about to publish
    trained_by : the identity that asked for the job
    """

    job: str
    model: str
    id: str
    last: bool
    claimed: Outcome | None
    trained_by: str


class Runs:
    """Starts and ends runs of jobs."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """With a client from the usual AWS environment."""
        return cls(Jobs.connect(settings))

    def start(self, job: str, request: TrainingRequest, message: Message) -> Run | None:
        """Take the job and its model; None where the job is done.

        Raises
        ------
        JobFailedError
            It has failed for good.
        JobWaitsError
            Another invocation is at it, or at another job of the model.
        """
        self.jobs.queue(job, request, message=message.id)
        item = self.jobs.item(job)
        if item["state"] in {JobState.SUCCEEDED, JobState.SUPERSEDED}:
            return None
        if item["state"] == JobState.FAILED or self._died_with(message, item):
            raise JobFailedError("the job has failed before")
        tries = 1 if item.get("last_try") else int(item.get("tries", 0)) + 1
        last = tries >= MAX_TRIES or message.receives >= MAX_TRIES
        who = str(item.get("trained_by", ""))
        run = Run(job, request.model, uuid.uuid4().hex, last, _claimed(item), who)
        self._take(run, message, tries)
        return run

    def claim(self, run: Run, outcome: Outcome) -> None:
        """Record what the run is about to publish; a JobWaitsError where it was taken over."""
        claimed = {**asdict(outcome), "score": _exact(outcome.score)}
        if not self._move(run, JobState.RUNNING, claimed=claimed):
            raise JobWaitsError("another invocation has taken the job over", LEASE_S)

    def succeed(self, run: Run, outcome: Outcome) -> None:
        """Record the version that came out, its test AUC and its status."""
        result = {"score": _exact(outcome.score), "status": outcome.status}
        self._end(run, JobState.SUCCEEDED, model_name=outcome.version, **result)

    def fail(self, run: Run, reason: str) -> None:
        """Record why the job ended without a version."""
        self._end(run, JobState.FAILED, reason=reason)

    def give_up(self, run: Run, reason: str) -> None:
        """Record the passing error that met the last try; asked for again, the job starts anew."""
        self._end(run, JobState.FAILED, reason=reason, repeatable=True)

    def release(self, run: Run, reason: str) -> None:
        """Give the job back to the queue after an error that may pass."""
        due_until = int(time.time()) + MESSAGE_LIFE_S
        self._move(run, JobState.QUEUED, reason=reason, due_until=due_until)
        self._free_model(run)

    def refuse(self, job: str, request: TrainingRequest, reason: str) -> None:
        """Record a job that cannot even start."""
        self.jobs.queue(job, request)
        self._drop(job, JobState.FAILED, reason)

    def supersede(self, job: str, request: TrainingRequest, reason: str) -> None:
        """Record that a job need not be done any more; one that is running goes on."""
        self.jobs.queue(job, request)
        self._drop(job, JobState.SUPERSEDED, reason)

    def latest(self, manifest: str, sequencer: str) -> str:
        """The highest sequencer told of a manifest so far, `sequencer` included.

        S3's sequencers of one key compare as text once they are padded to one length.
        """
        with aws_errors("DynamoDB"), conflicts_ignored():
            self.jobs.table.update_item(
                Key={"job": _manifest_key(manifest)},
                UpdateExpression="SET sequencer = :new",
                ConditionExpression="attribute_not_exists(sequencer) OR sequencer < :new",
                ExpressionAttributeValues={":new": sequencer},
            )
        return str(self.jobs.item(_manifest_key(manifest))["sequencer"])

    def _died_with(self, message: Message, item: dict[str, Any]) -> bool:
        """Whether the job's last run died and the message is the one that it had then."""
        if item["state"] != JobState.RUNNING or item["lease_until"] >= time.time():
            return False
        return bool(item["last_try"]) and item["message"] == message.id

    def _take(self, run: Run, message: Message, tries: int) -> None:
        now = int(time.time())
        values = {
            ":queued": JobState.QUEUED,
            ":running": JobState.RUNNING,
            ":epoch": now,
            ":now": now_text(),
            ":lease": now + LEASE_S,
            ":last": run.last,
            ":tries": tries,
            ":run": run.id,
            ":message": message.id,
        }
        job = {
            "Key": {"job": run.job},
            "UpdateExpression": "SET #s = :running, started_at = :now, lease_until = :lease,"
            " last_try = :last, tries = :tries, run_id = :run, message = :message REMOVE reason",
            "ConditionExpression": "#s = :queued OR (#s = :running AND lease_until < :epoch)",
            "ExpressionAttributeNames": {"#s": "state"},
            "ExpressionAttributeValues": values,
        }
        model = {
            "Item": {"job": _model_key(run.model), "holder": run.job, "lease_until": now + LEASE_S},
            "ConditionExpression": "attribute_not_exists(job) OR holder = :job"
            " OR lease_until < :epoch",
            "ExpressionAttributeValues": {":job": run.job, ":epoch": now},
        }
        table = self.jobs.table
        writes: Any = [
            {"Update": {"TableName": table.name, **job}},
            {"Put": {"TableName": table.name, **model}},
        ]
        with aws_errors("DynamoDB"):
            try:
                table.meta.client.transact_write_items(TransactItems=writes)
            except ClientError as error:
                if not is_conflict(error):
                    raise
                raise self._obstacle(run, error) from None

    def _obstacle(self, run: Run, error: ClientError) -> JobWaitsError:
        job, _model = error.response["CancellationReasons"]
        if job["Code"] == "None":
            return JobWaitsError("another job of the model is running", MODEL_POLL_S)
        left_s = int(self.jobs.item(run.job).get("lease_until", 0)) - int(time.time())
        return JobWaitsError("another invocation is at work on the job", max(left_s, 0) + 1)

    def _end(self, run: Run, state: JobState, **result: Any) -> None:
        self._move(run, state, ended_at=now_text(), **result)
        self._free_model(run)

    def _move(self, run: Run, state: JobState, **result: Any) -> bool:
        """Move the job on, unless another run has taken it over."""
        values = {":running": JobState.RUNNING, ":run": run.id}
        condition = "#s = :running AND run_id = :run"
        return self.jobs.move(run.job, state, condition, values, **result)

    def _drop(self, job: str, state: JobState, reason: str) -> None:
        """End a job that no run holds."""
        self.jobs.move(
            job,
            state,
            "#s = :queued OR (#s = :running AND lease_until < :epoch)",
            {
                ":queued": JobState.QUEUED,
                ":running": JobState.RUNNING,
                ":epoch": int(time.time()),
            },
            reason=reason,
            ended_at=now_text(),
        )

    def _free_model(self, run: Run) -> None:
        with aws_errors("DynamoDB"), conflicts_ignored():
            self.jobs.table.update_item(
                Key={"job": _model_key(run.model)},
                UpdateExpression="SET lease_until = :never",
                ConditionExpression="holder = :job",
                ExpressionAttributeValues={":never": 0, ":job": run.job},
            )


# Items of the jobs table that are no jobs; a job's id holds no space.


def _model_key(model: str) -> str:
    return f"model {model}"


def _manifest_key(manifest: str) -> str:
    return f"manifest {manifest}"


def _claimed(item: dict[str, Any]) -> Outcome | None:
    claimed = item.get("claimed")
    return Outcome(**{**claimed, "score": float(claimed["score"])}) if claimed else None


def _exact(score: float) -> Decimal:
    return Decimal(f"{score:.6f}")
