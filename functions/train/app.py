"""The train function: trains and publishes a version, asked directly or by the training queue."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from functions.shared.errors import ScorelineError
from functions.shared.fields import DATASET, MODEL, optional, read_fields
from functions.shared.http import log_unexpected, logger
from functions.shared.registry import ModelRegistry
from functions.shared.settings import Settings
from functions.train.queue import TrainQueue
from functions.train.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from functions.shared.jobs import TrainingRequest
    from functions.train.work import Outcome

    Train = Callable[[str, str | None], Outcome]

FIELDS = {"model": MODEL, "dataset_path": optional(DATASET)}


@cache
def queue() -> TrainQueue:
    """The training queue of this deployment."""
    return TrainQueue.connect(Settings.from_env())


@cache
def trainer() -> Trainer:
    """The trainer of this deployment."""
    return Trainer.connect(ModelRegistry.connect(Settings.from_env()))


def train(model: str, dataset_path: str | None) -> Outcome:
    """Train and publish; the training libraries load with the first call."""
    return trainer()(model, dataset_path)


def handle(event: dict[str, Any], train: Train) -> dict[str, Any]:
    """Answer messages of the queue, or a direct invocation `{"model", "dataset_path"?}`."""

    def fit(request: TrainingRequest) -> Outcome:
        return train(request.model, request.dataset_path)

    if "Records" in event:
        return queue().work_off(event["Records"], fit)
    try:
        fields = read_fields(event, FIELDS)
        outcome = train(fields["model"], fields.get("dataset_path"))
    except ScorelineError as error:
        return error.to_json()
    except Exception as error:  # the door: a caller never sees a stack trace, a log never a value
        log_unexpected(error)
        return ScorelineError("internal error").to_json()
    return {"score": outcome.score, "model_name": outcome.version}


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Entry point of the function."""
    return handle(event, train)
