"""Runs a training job, which ends with a published version or with the reason for its failure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from scoreline.aws.clients import is_transient
from scoreline.core.errors import (
    JobDeferredError,
    JobFailedError,
    RegistryUnavailableError,
    ScorelineError,
)
from scoreline.core.log import log_unexpected, logger, places
from scoreline.jobs.runs import LEASE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from scoreline.jobs.messages import RequestedJob
    from scoreline.jobs.runs import Message, Run, Runs, TrainingResult

MAX_REASON = 1000
# How soon a job looks again for a jobs table that does not answer.
TABLE_POLL_S = 60
SUPERSEDED = "a newer manifest of the same key has been announced"


class Training(Protocol):
    """Trains a model and publishes the version: what needs the training libraries."""

    def __call__(
        self,
        model: str,
        dataset_path: str | None,
        announce: Callable[[TrainingResult], None],
        *,
        trained_by: str,
    ) -> TrainingResult:
        """Train, announce the version, publish it."""

    def is_published(self, model: str, version: str) -> bool:
        """Whether a version exists."""


def run_job(job: RequestedJob, message: Message, runs: Runs, training: Training) -> None:
    """Run a job that has not ended yet.

    Raises
    ------
    JobFailedError
        The job has failed; its reason is recorded.
    JobDeferredError
        The job cannot start now; this does not count as an attempt.
    RegistryUnavailableError
        The attempt failed and the job has to be tried again.
    """
    run = _start(job, message, runs)
    if run is None:
        return
    logger.info("training", job=run.job, model=run.model)
    try:
        result = _published_before(run, training) or training(
            run.model,
            job.request.dataset_path,
            partial(runs.announce, run),
            trained_by=run.trained_by,
        )
    except JobDeferredError:
        raise
    except Exception as error:
        if is_transient(error):
            _log_transient(run.job, error)
            _release(run, runs, _reason(error))
            raise RegistryUnavailableError(_reason(error)) from error
        if not isinstance(error, ScorelineError):
            log_unexpected(error)
        runs.fail(run, _reason(error))
        raise JobFailedError("the job has failed") from error
    runs.succeed(run, result)


def _start(job: RequestedJob, message: Message, runs: Runs) -> Run | None:
    """A run of the job; None where it has ended or is no longer needed."""
    try:
        if job.problem:
            runs.refuse(job.id, job.request, job.problem)
            raise JobFailedError(job.problem)
        if job.manifest and runs.is_outdated(job.manifest, job.sequencer):
            runs.supersede(job.id, job.request, SUPERSEDED)
            return None
        return runs.start(job.id, job.request, message)
    except RegistryUnavailableError as error:
        _log_transient(job.id, error)
        raise JobDeferredError(error.message, TABLE_POLL_S) from error


def _published_before(run: Run, training: Training) -> TrainingResult | None:
    """The version of an earlier run that was killed after it had published."""
    if run.announced and training.is_published(run.model, run.announced.version):
        logger.info("published before", job=run.job, version=run.announced.version)
        return run.announced
    return None


def _release(run: Run, runs: Runs, reason: str) -> None:
    """Queue the job again; a JobFailedError where this was its last attempt."""
    try:
        if run.is_last:
            runs.give_up(run, f"last attempt: {reason}")
        else:
            runs.release(run, f"will be tried again: {reason}")
    except RegistryUnavailableError as error:
        # The jobs table does not answer, so the run holds the job until its lease ends.
        raise JobDeferredError(error.message, LEASE_S) from error
    if run.is_last:
        raise JobFailedError("the last attempt of the job has failed")


def _log_transient(job: str, error: Exception) -> None:
    logger.warning("transient error", job=job, error=type(error).__name__, trace=places(error))


def _reason(error: Exception) -> str:
    """The reason that a job records. Messages of other errors may hold values of the data."""
    if isinstance(error, ScorelineError):
        return error.message[:MAX_REASON]
    return f"unexpected {type(error).__name__}; the log of the train function has the place"
