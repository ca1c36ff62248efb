"""Trains a model on a dataset and publishes the version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scoreline.aws.datasets import uploader
from scoreline.core.datasets import dataset_uri
from scoreline.core.errors import VersionNotFoundError
from scoreline.core.log import logger
from scoreline.core.versions import MANIFEST_FILE
from scoreline.jobs.runs import TrainingResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from scoreline.aws.registry import ModelRegistry
    from scoreline.definition.model import Definition
    from training.incumbents.champion import Incumbents
    from training.train import Bundle


# The training libraries take seconds to load and Lambda stops an INIT after 10 s, so the first job
# loads them, not the module.


def _load_definition(registry: ModelRegistry, model: str) -> Definition:
    from scoreline.aws.ledger import Ledger
    from scoreline.governance.definitions import Definitions, Registration

    return Definitions(registry, Ledger.connect(registry.settings, Registration)).load(model)


def _read_incumbents(registry: ModelRegistry, model: str) -> Incumbents:
    from training.incumbents.champion import read_incumbents

    return read_incumbents(registry, model)


def _train(*arguments: Any, **options: Any) -> Bundle:
    from training.train import train

    return train(*arguments, **options)


@dataclass(frozen=True, slots=True)
class Trainer:
    """Trains with the training libraries; tests pass other functions."""

    registry: ModelRegistry
    load_definition: Callable[[ModelRegistry, str], Definition] = _load_definition
    train: Callable[..., Bundle] = _train
    read_incumbents: Callable[[ModelRegistry, str], Incumbents] = _read_incumbents

    def __call__(
        self,
        model: str,
        dataset_path: str | None,
        announce: Callable[[TrainingResult], None] = lambda _: None,
        *,
        trained_by: str,
    ) -> TrainingResult:
        """Train a model on a dataset, by default its definition's, and publish the version.

        Parameters
        ----------
        announce : called with the result before the first file of the version is written
        """
        definition = self.load_definition(self.registry, model)
        path = dataset_uri(dataset_path or definition.dataset, self.registry.settings.bucket)
        trained = self.train(
            definition,
            path,
            trained_by=uploader(self.registry.s3, path, trained_by),
            incumbents=self.read_incumbents(self.registry, model),
            progress=_log,
        )
        result = TrainingResult(trained.version, trained.score, trained.status)
        announce(result)
        self.registry.publish(model, trained.version, trained.files)
        logger.info("published", model=model, version=trained.version, status=trained.status)
        return result

    def is_published(self, model: str, version: str) -> bool:
        """Whether a version exists: its manifest is written last."""
        try:
            self.registry.read(model, version, MANIFEST_FILE)
        except VersionNotFoundError:
            return False
        return True


def _log(progress: str) -> None:
    logger.info("progress", step=progress)
