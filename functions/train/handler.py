"""The train function: trains and publishes a version, asked directly or by the training queue."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from functions.train.trainer import Trainer
from scoreline.api.http import answer_directly
from scoreline.api.operations_requests import TRAIN_DIRECTLY
from scoreline.aws.registry import ModelRegistry
from scoreline.core.log import logger
from scoreline.core.settings import Settings
from scoreline.jobs.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from scoreline.api.operations_answers import TrainedVersion

DIRECTLY = "direct invocation"  # Lambda does not tell a function who invokes it


@cache
def worker() -> Worker:
    """The worker on the training queue of this deployment."""
    return Worker.connect(Settings.from_env())


@cache
def trainer() -> Trainer:
    """The trainer of this deployment."""
    return Trainer(ModelRegistry.connect(Settings.from_env()))


def handle(event: Any, trainer: Trainer) -> Mapping[str, object]:
    """Process messages of the queue, or a direct invocation `{"model"?, "dataset_path"?}`."""
    if isinstance(event, dict) and "Records" in event:
        return worker().process(event["Records"], trainer)
    return answer_directly(partial(train, event, trainer))


def train(event: Any, trainer: Trainer) -> TrainedVersion:
    """Train as a direct invocation asks; by default the default model on its own dataset."""
    fields = TRAIN_DIRECTLY.read(event)
    model = fields.get("model") or trainer.registry.routing().default
    result = trainer(model, fields.get("dataset_path"), trained_by=DIRECTLY)
    return {"score": result.score, "model_name": result.version, "status": result.status}


@logger.inject_lambda_context
def lambda_handler(event: Any, context: LambdaContext) -> Mapping[str, object]:
    """Entry point of the function."""
    return handle(event, trainer())
