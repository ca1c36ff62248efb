"""Submits training jobs: records the job first, then sends its message to the train function."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from scoreline.aws.train_queue import TrainQueue
from scoreline.core.errors import RegistryUnavailableError
from scoreline.jobs.jobs import Jobs

if TYPE_CHECKING:
    from scoreline.api.operations_answers import TrainingJob
    from scoreline.core.settings import Settings
    from scoreline.jobs.jobs import TrainingRequest

UNSENT = "the job did not reach the training queue; post it again"


@dataclass(frozen=True, slots=True)
class Submissions:
    """The jobs of a deployment, and the queue that brings them to the train function."""

    jobs: Jobs
    queue: TrainQueue

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Connect with the credentials and the region of the environment."""
        return cls(Jobs.connect(settings), TrainQueue.connect(settings))

    def submit(self, request: TrainingRequest, cause: str) -> TrainingJob:
        """Submit the job that `cause` asks for; a repeated call returns the same job.

        A job that is still queued is sent again.

        Raises
        ------
        RegistryUnavailableError
            The message was not sent. If the job could be recorded, its reason says so.
        """
        job = request.job_id(cause)
        # Recorded before it is sent, so that the caller can ask for a job that was never sent.
        self.jobs.queue(job, request)
        item = self.jobs.get(job)
        if item["state"] == "queued":
            try:
                self.queue.send(json.dumps({"job": job, **asdict(request)}))
            except RegistryUnavailableError as error:
                self.jobs.mark_unsent(job, UNSENT)
                raise RegistryUnavailableError(f"job {job}: {UNSENT} ({error.message})") from error
        return item
