"""Works through the training queue: a message is done, deferred, or delivered again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from scoreline.aws.train_queue import LONGEST_DELAY_S, TrainQueue
from scoreline.core.errors import (
    JobDeferredError,
    JobFailedError,
    MalformedRequestError,
    RegistryUnavailableError,
)
from scoreline.core.log import logger, places
from scoreline.jobs.execution import run_job
from scoreline.jobs.messages import malformed_job, requested_jobs
from scoreline.jobs.runs import Message, Runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scoreline.core.settings import Settings
    from scoreline.jobs.execution import Training
    from scoreline.jobs.messages import RequestedJob

FIRST_RETRY_S = 30


@dataclass(frozen=True, slots=True)
class Worker:
    """Processes messages that Lambda's event source mapping has received."""

    runs: Runs
    queue: TrainQueue

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Connect with the credentials and the region of the environment."""
        return cls(Runs.connect(settings), TrainQueue.connect(settings))

    def process(self, records: Sequence[Mapping[str, Any]], training: Training) -> dict[str, Any]:
        """Run the jobs of every message; the answer names the messages to be delivered again."""
        failed = [record["messageId"] for record in records if not self._is_done(record, training)]
        return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}

    def _is_done(self, record: Mapping[str, Any], training: Training) -> bool:
        """Whether SQS may delete the message.

        The message of a failed job is delivered again at once, until the queue moves it to the
        dead-letter queue. Nothing is trained in these deliveries.
        """
        receives = int(record["attributes"]["ApproximateReceiveCount"])
        message = Message(record["messageId"], receives)
        try:
            for job in _jobs_in(record):
                run_job(job, message, self.runs, training)
        except JobFailedError as error:
            logger.warning("job failed", message_id=message.id, problem=error.message)
            self._deliver_again(record, 0)
            return False
        except JobDeferredError as error:
            logger.info("job deferred", message_id=message.id, problem=error.message)
            # Delivering it again would count as an attempt.
            return self._requeue(record, min(error.retry_after_s, LONGEST_DELAY_S))
        except RegistryUnavailableError as error:
            delay_s = backoff_s(receives)
            logger.warning(
                "retry scheduled",
                message_id=message.id,
                delay_s=delay_s,
                problem=error.message,
                trace=places(error),
            )
            self._deliver_again(record, delay_s)
            return False
        return True

    def _requeue(self, record: Mapping[str, Any], seconds: int) -> bool:
        """Send a copy of the message, whose count of deliveries starts at 0; whether it is sent."""
        try:
            self.queue.send(record["body"], delay_s=seconds)
        except RegistryUnavailableError as error:
            logger.warning("re-queue failed", problem=error.message)
            self._deliver_again(record, seconds)
            return False
        return True

    def _deliver_again(self, record: Mapping[str, Any], seconds: int) -> None:
        """Set the message's visibility, which else hides it for the queue's 90 minutes."""
        try:
            self.queue.hide(record["receiptHandle"], seconds)
        except RegistryUnavailableError as error:  # SQS delivers it anyway, but later
            logger.warning("visibility unchanged", problem=error.message)


def backoff_s(receives: int) -> int:
    """Seconds until the next attempt after a transient error: 30, 60, 120, ... up to 900.

    Examples
    --------
    >>> backoff_s(1), backoff_s(2), backoff_s(9)
    (30, 60, 900)
    """
    return min(FIRST_RETRY_S << (receives - 1), LONGEST_DELAY_S)


def _jobs_in(record: Mapping[str, Any]) -> list[RequestedJob]:
    try:
        return requested_jobs(record["body"])
    except MalformedRequestError as error:
        return [malformed_job(record["messageId"], error.message)]
