"""Does the jobs of the training queue: each once, to a version or to a reason why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from scoreline.core.errors import (
    JobFailedError,
    JobWaitsError,
    RegistryUnavailableError,
    ScorelineError,
)
from scoreline.core.log import log_unexpected, logger, places
from scoreline.jobs.jobs import LEASE_S

if TYPE_CHECKING:
    from functions.train.runs import Message, Outcome, Run, Runs
    from functions.train.trainer import Trainer
    from scoreline.jobs.messages import Order

MAX_REASON = 1000
# How soon a job asks again for a jobs table that does not answer.
TABLE_POLL_S = 60
SUPERSEDED = "a newer manifest of the same key has been announced"
PASSING_ERRORS = (
    RegistryUnavailableError,
    BotoCoreError,
    ClientError,
    ConnectionError,
    TimeoutError,
)
# Answers that trying again does not change, such as for a bucket that the function may not read.
LASTING_CODES = {"AccessDenied", "InvalidBucketName", "NoSuchBucket", "NoSuchKey", "NoSuchVersion"}


def do(order: Order, message: Message, runs: Runs, trainer: Trainer) -> None:
    """Do an order that is not done yet.

    Raises
    ------
    JobFailedError
        It cannot be done; the job says why.
    JobWaitsError
        It cannot be started now, which is no try.
    RegistryUnavailableError
        It has to be tried again.
    """
    run = _start(order, message, runs)
    if run is None:
        return
    logger.info("training", job=run.job, model=run.model)
    try:
        outcome = _published(run, trainer) or _train(order, run, runs, trainer)
    except JobWaitsError:
        raise
    except Exception as error:
        if _passes(error):
            _log_passing(order, error)
            _try_again(run, runs, _reason(error))
            raise RegistryUnavailableError(_reason(error)) from error
        if not isinstance(error, ScorelineError):
            log_unexpected(error)
        runs.fail(run, _reason(error))
        raise JobFailedError("the job has failed") from error
    runs.succeed(run, outcome)


def _start(order: Order, message: Message, runs: Runs) -> Run | None:
    """A run of the job; None where it is done or need not be done any more."""
    try:
        if order.problem:
            runs.refuse(order.job, order.request, order.problem)
            raise JobFailedError(order.problem)
        if order.manifest and runs.latest(order.manifest, order.sequencer) > order.sequencer:
            runs.supersede(order.job, order.request, SUPERSEDED)
            return None
        return runs.start(order.job, order.request, message)
    except RegistryUnavailableError as error:
        _log_passing(order, error)
        raise JobWaitsError(error.message, TABLE_POLL_S) from error


def _published(run: Run, trainer: Trainer) -> Outcome | None:
    """What an earlier run had published when it died before it could say so."""
    if run.claimed and trainer.is_published(run.model, run.claimed.version):
        logger.info("published before", job=run.job, version=run.claimed.version)
        return run.claimed
    return None


def _train(order: Order, run: Run, runs: Runs, trainer: Trainer) -> Outcome:
    request = order.request
    return trainer(
        request.model,
        request.dataset_path,
        lambda outcome: runs.claim(run, outcome),
        trained_by=run.trained_by,
    )


def _try_again(run: Run, runs: Runs, reason: str) -> None:
    """Give the job back; a JobFailedError where this was the last try.

    While the jobs table does not answer, the job stays taken until its lease ends.
    """
    try:
        if run.last:
            runs.give_up(run, f"tried for the last time: {reason}")
        else:
            runs.release(run, f"to be tried again: {reason}")
    except RegistryUnavailableError as error:
        raise JobWaitsError(error.message, LEASE_S) from error
    if run.last:
        raise JobFailedError("the job has failed, its last try too")


def _log_passing(order: Order, error: Exception) -> None:
    logger.warning("passing error", job=order.job, error=type(error).__name__, trace=places(error))


def _passes(error: Exception) -> bool:
    """Whether trying again may help."""
    cause = error if isinstance(error, ClientError) else error.__cause__
    if isinstance(cause, ClientError) and cause.response["Error"]["Code"] in LASTING_CODES:
        return False
    return isinstance(error, PASSING_ERRORS)


def _reason(error: Exception) -> str:
    """What a job may say of an error: our own messages hold no values, others are only named."""
    if isinstance(error, ScorelineError):
        return error.message[:MAX_REASON]
    return f"unexpected {type(error).__name__}; the log of the train function has the place"
