"""The bundle of the champion, which a newly trained version is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scoreline.core.contract import Contract
from scoreline.core.errors import ModelNotFoundError
from scoreline.core.versions import BATCH_FILE, MODEL_FILE, TRAINING_ROWS_FILE
from scoreline.scoring.many_rows import open_session
from training.data.training_rows import TrainingRows

if TYPE_CHECKING:
    import onnxruntime

    from scoreline.aws.reader import ModelReader
    from training.data.dataset import Dataset


@dataclass(frozen=True)
class ChampionBundle:
    """A version in service: its manifest, the bytes of its graphs, and keys of its training rows.

    `training_rows` is empty for a version that was trained before these keys were kept.
    """

    version: str
    manifest: dict[str, Any]
    online: bytes
    batch: bytes
    training_rows: bytes = b""

    @cached_property
    def session(self) -> onnxruntime.InferenceSession:
        """The graph for many rows."""
        return open_session(self.batch)

    @cached_property
    def contract(self) -> Contract:
        """Its features, score scale and decisions."""
        metadata = open_session(self.online).get_modelmeta().custom_metadata_map
        return Contract.from_json(metadata["contract"])

    @cached_property
    def rows(self) -> TrainingRows:
        """The record of its training rows."""
        return TrainingRows.from_bytes(self.training_rows)

    def has_read(self, dataset: Dataset) -> bool:
        """Whether it was trained on the same files, or on these and others."""
        recorded = {source["sha256"] for source in self.manifest["dataset"].get("sources", [])}
        return {source["sha256"] for source in dataset.sources} <= recorded


def read_champion(registry: ModelReader, model: str) -> ChampionBundle | None:
    """The version of a model that is in service, or None."""
    try:
        version = registry.pointer(model).champion.version
    except ModelNotFoundError:
        return None
    manifest = registry.manifest(model, version)
    online, batch = (registry.read(model, version, file) for file in (MODEL_FILE, BATCH_FILE))
    has_rows = TRAINING_ROWS_FILE in manifest["files"]
    rows = registry.read(model, version, TRAINING_ROWS_FILE) if has_rows else b""
    return ChampionBundle(version, manifest, online, batch, rows)
