"""The versions in service and in the ledger, which a newly trained version is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scoreline.aws.ledger import Ledger
from scoreline.core.contract import Contract
from scoreline.core.errors import ModelNotFoundError, VersionNotFoundError, VersionRefusedError
from scoreline.core.versions import BATCH_FILE, MODEL_FILE, TRAINING_ROWS_FILE
from scoreline.governance.entry import Entry
from scoreline.scoring.many_rows import open_session
from training.data.training_rows import TrainingRows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnxruntime

    from scoreline.aws.registry import ModelRegistry
    from training.data.dataset import Dataset


@dataclass(frozen=True)
class ChampionBundle:
    """A version that serves or served: its manifest, its graphs, and keys of its training rows.

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


@dataclass(frozen=True)
class Incumbents:
    """The versions that a new one has to hold its own against.

    Attributes
    ----------
    champion : the version in service
    anchor : the best version that ever served, as the ledger says
    judged : fingerprint of a test set -> number of versions that it has judged
    gone : the anchor where its files are not in the registry any more
    """

    champion: ChampionBundle | None = None
    anchor: ChampionBundle | None = None
    judged: Mapping[str, int] = field(default_factory=dict)
    gone: str = ""


def read_incumbents(registry: ModelRegistry, model: str) -> Incumbents:
    """Read what a new version of a model is compared with; empty for the first one."""
    judged = _judged(registry, model)
    try:
        champion = _read_bundle(registry, model, registry.pointer(model).champion.version)
    except ModelNotFoundError:
        champion = None
    head = Ledger.connect(registry.settings, Entry).head(model)
    if head is None:
        return Incumbents(champion, None, judged)
    if champion is not None and champion.version == head.best.version:
        return Incumbents(champion, champion, judged)
    try:
        return Incumbents(champion, _read_bundle(registry, model, head.best.version), judged)
    except VersionNotFoundError:
        return Incumbents(champion, None, judged, head.best.version)


def _judged(registry: ModelRegistry, model: str) -> dict[str, int]:
    """The counts of test sets in the latest manifest; they begin anew after a damaged one."""
    published = registry.versions(model)
    try:
        latest = registry.manifest(model, published[-1]) if published else {}
    except VersionRefusedError:
        latest = {}
    counts: dict[str, int] = latest.get("test_set", {}).get("counts", {})
    return counts


def _read_bundle(registry: ModelRegistry, model: str, version: str) -> ChampionBundle:
    manifest = registry.manifest(model, version)
    online, batch = (registry.read(model, version, file) for file in (MODEL_FILE, BATCH_FILE))
    has_rows = TRAINING_ROWS_FILE in manifest["files"]
    rows = registry.read(model, version, TRAINING_ROWS_FILE) if has_rows else b""
    return ChampionBundle(version, manifest, online, batch, rows)
