"""Does the jobs of the training queue: each once, to a version or to a reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from functions.shared.errors import (
    JobFailedError,
    JobRunningError,
    RegistryUnavailableError,
    ScorelineError,
    TrainingError,
)
from functions.shared.http import log_unexpected, logger, places
from functions.shared.jobs import LEASE_S, JobState

if TYPE_CHECKING:
    from collections.abc import Callable

    from functions.shared.jobs import Jobs, TrainingRequest
    from functions.train.messages import Order

MAX_REASON = 1000
PASSING_ERRORS = (
    RegistryUnavailableError,
    BotoCoreError,
    ClientError,
    ConnectionError,
    TimeoutError,
)
# Answers that trying again does not change, such as for a bucket that the function may not read.
LASTING_CODES = {"AccessDenied", "InvalidBucketName", "NoSuchBucket", "NoSuchKey"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The version that training published, and its test AUC."""

    version: str
    score: float


def do(
    order: Order, jobs: Jobs, fit: Callable[[TrainingRequest], Outcome], *, last_try: bool
) -> None:
    """Do an order that is not done yet.

    Parameters
    ----------
    last_try : the order does not come again, so a passing error fails the job too

    Raises
    ------
    JobFailedError
        It cannot be done; the job says why.
    JobRunningError
        Another invocation is at it.
    RegistryUnavailableError
        It has to be tried again.
    """
    ended = jobs.start(order.job, order.request, last_try=last_try)
    if ended is not None:
        if ended["state"] == JobState.FAILED:
            raise JobFailedError("the job has failed before")
        return
    logger.info("training", job=order.job, model=order.request.model)
    try:
        outcome = _fit(order, fit)
    except Exception as error:
        if _passes(error):
            _log_passing(order, error)
            _try_again(order, jobs, _reason(error), last_try=last_try)
            raise RegistryUnavailableError(_reason(error)) from error
        if not isinstance(error, ScorelineError):
            log_unexpected(error)
        jobs.fail(order.job, _reason(error))
        raise JobFailedError("the job has failed") from error
    jobs.succeed(order.job, model_name=outcome.version, score=outcome.score)


def _fit(order: Order, fit: Callable[[TrainingRequest], Outcome]) -> Outcome:
    if order.problem:
        raise TrainingError(order.problem)
    return fit(order.request)


def _try_again(order: Order, jobs: Jobs, reason: str, *, last_try: bool) -> None:
    """Give the job back; a JobFailedError where this was the last try.

    While the jobs table does not answer, the job stays taken until its lease ends.
    """
    try:
        if last_try:
            jobs.give_up(order.job, f"tried for the last time: {reason}")
        else:
            jobs.release(order.job, f"to be tried again: {reason}")
    except RegistryUnavailableError as error:
        _log_passing(order, error)
        raise JobRunningError(LEASE_S + 1) from error
    if last_try:
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
