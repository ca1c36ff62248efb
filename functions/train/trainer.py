"""Trains a model that has a definition and publishes the version that comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.shared.datasets import dataset_uri
from functions.shared.http import logger
from functions.train.work import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from functions.shared.registry import ModelRegistry
    from training.definition import Definition
    from training.train import Bundle


@dataclass(frozen=True, slots=True)
class Trainer:
    """Definition, dataset, fit, publish."""

    registry: ModelRegistry
    load_definition: Callable[[str], Definition]
    train: Callable[..., Bundle]

    @classmethod
    def connect(cls, registry: ModelRegistry) -> Trainer:
        """With the training package, whose libraries take seconds to load.

        They load with the first job, not with the module: Lambda stops an INIT after 10 s.
        """
        from training.definition import load_definition
        from training.train import train

        return cls(registry, load_definition, train)

    def __call__(self, model: str, dataset_path: str | None) -> Outcome:
        """Train `model` on a dataset, by default its definition's own, and publish the version."""
        definition = self.load_definition(model)
        path = dataset_uri(dataset_path or definition.dataset, self.registry.settings.bucket)
        trained = self.train(definition, path, progress=_log)
        self.registry.publish(model, trained.version, trained.files)
        logger.info("published", model=model, version=trained.version)
        return Outcome(trained.version, trained.score)


def _log(progress: str) -> None:
    logger.info("progress", step=progress)
