"""Runs of training jobs: a job ends once, and a model has one running job at a time.

A run holds its job and its model by leases in the jobs table. Before it publishes a version, it
writes that version's id into its job, where the next run finds it if this one is killed.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from scoreline.aws.jobs_table import JobState, is_free, is_held_by
from scoreline.aws.train_queue import MAX_RECEIVES, MESSAGE_LIFE_S
from scoreline.core.errors import JobDeferredError, JobFailedError
from scoreline.jobs.jobs import Jobs, now_text

if TYPE_CHECKING:
    from scoreline.core.settings import Settings
    from scoreline.jobs.jobs import TrainingRequest

# A run whose function was killed loses its job after Lambda's longest run of 15 minutes.
LEASE_S = 15 * 60
# How soon a deferred job looks again whether its model is free.
MODEL_POLL_S = 30


@dataclass(frozen=True, slots=True)
class Message:
    """The SQS message that brings a job: its id, and how often SQS has delivered it."""

    id: str
    receives: int = 1


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A trained version, the AUC of its test rows, and whether its gates passed."""

    version: str
    score: float
    status: str = "candidate"


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt at a job.

    Attributes
    ----------
    id : distinguishes the run from one that takes the job over
    is_last : there is no further attempt, so that a transient error fails the job
    announced : the version that an earlier run was about to publish
    trained_by : the identity that asked for the job
    """

    job: str
    model: str
    id: str
    is_last: bool
    announced: TrainingResult | None
    trained_by: str


class Runs:
    """Starts and ends runs of jobs."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._table = jobs.table

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Connect with the credentials and the region of the environment."""
        return cls(Jobs.connect(settings))

    def start(self, job: str, request: TrainingRequest, message: Message) -> Run | None:
        """Start a run that holds the job and its model; None where the job has ended well.

        Raises
        ------
        JobFailedError
            The job has failed for good.
        JobDeferredError
            Another run holds the job or the model.
        """
        self._jobs.queue(job, request, message=message.id)
        item = self._table.item(job)
        if item["state"] in {JobState.SUCCEEDED, JobState.SUPERSEDED}:
            return None
        if item["state"] == JobState.FAILED or _died_in_last_run(item, message):
            raise JobFailedError("the job has failed before")
        # A job that starts again after it gave up has all its attempts again.
        tries = 1 if item.get("last_try") else int(item.get("tries", 0)) + 1
        is_last = tries >= MAX_RECEIVES or message.receives >= MAX_RECEIVES
        trained_by = str(item.get("trained_by", ""))
        announced = _announced(item)
        run = Run(job, request.model, uuid.uuid4().hex, is_last, announced, trained_by)
        self._hold(run, message, tries)
        return run

    def announce(self, run: Run, result: TrainingResult) -> None:
        """Record the version that the run is about to publish.

        Raises
        ------
        JobDeferredError
            Another run has taken the job over, so that this one must not publish.
        """
        claimed = {**asdict(result), "score": _decimal(result.score)}
        if not self._table.update(run.job, is_held_by(run.id), claimed=claimed):
            raise JobDeferredError("another run has taken the job over", LEASE_S)

    def succeed(self, run: Run, result: TrainingResult) -> None:
        """Record the published version, the AUC of its test rows and its status."""
        score = _decimal(result.score)
        self._end(
            run,
            state=JobState.SUCCEEDED,
            model_name=result.version,
            score=score,
            status=result.status,
        )

    def fail(self, run: Run, reason: str) -> None:
        """Record why the job ended without a version."""
        self._end(run, state=JobState.FAILED, reason=reason)

    def give_up(self, run: Run, reason: str) -> None:
        """Record the transient error of the last attempt; the job may be asked for again."""
        self._end(run, state=JobState.FAILED, reason=reason, repeatable=True)

    def release(self, run: Run, reason: str) -> None:
        """Queue the job again after a transient error."""
        due_until = int(time.time()) + MESSAGE_LIFE_S
        state = JobState.QUEUED
        self._table.update(
            run.job, is_held_by(run.id), state=state, reason=reason, due_until=due_until
        )
        self._table.unlock_model(run.model, run.job)

    def refuse(self, job: str, request: TrainingRequest, reason: str) -> None:
        """Record a job that cannot start."""
        self._end_without_run(job, request, JobState.FAILED, reason)

    def supersede(self, job: str, request: TrainingRequest, reason: str) -> None:
        """Record that a job is no longer needed; a running job continues."""
        self._end_without_run(job, request, JobState.SUPERSEDED, reason)

    def is_outdated(self, manifest: str, sequencer: str) -> bool:
        """Whether a later event of the manifest has come before this one."""
        return self._table.latest_sequencer(manifest, sequencer) > sequencer

    def _hold(self, run: Run, message: Message, tries: int) -> None:
        held = self._table.start(
            run.job,
            run.model,
            lease_until=int(time.time()) + LEASE_S,
            state=JobState.RUNNING,
            started_at=now_text(),
            last_try=run.is_last,
            tries=tries,
            run_id=run.id,
            message=message.id,
        )
        if held == "model":
            raise JobDeferredError("another job of the model is running", MODEL_POLL_S)
        if held == "job":
            # The other run may be killed, which frees the job when its lease ends.
            left_s = int(self._table.item(run.job).get("lease_until", 0)) - int(time.time())
            raise JobDeferredError("another run holds the job", max(left_s, 0) + 1)

    def _end(self, run: Run, **attributes: Any) -> None:
        self._table.update(run.job, is_held_by(run.id), ended_at=now_text(), **attributes)
        self._table.unlock_model(run.model, run.job)

    def _end_without_run(
        self, job: str, request: TrainingRequest, state: JobState, reason: str
    ) -> None:
        self._jobs.queue(job, request)
        self._table.update(job, is_free(), state=state, reason=reason, ended_at=now_text())


def _died_in_last_run(item: dict[str, Any], message: Message) -> bool:
    """Whether the last attempt was killed, and came with the same message."""
    if item["state"] != JobState.RUNNING or item["lease_until"] >= time.time():
        return False
    return bool(item["last_try"]) and item["message"] == message.id


def _announced(item: dict[str, Any]) -> TrainingResult | None:
    claimed = item.get("claimed")
    return TrainingResult(**{**claimed, "score": float(claimed["score"])}) if claimed else None


def _decimal(score: float) -> Decimal:
    return Decimal(f"{score:.6f}")  # boto3 takes no float
