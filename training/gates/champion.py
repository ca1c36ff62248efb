"""The version that serves while another one is trained, which that one has to measure up to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scoreline.core.contract import Contract
from scoreline.core.errors import ModelNotFoundError
from scoreline.core.versions import BATCH_FILE, MODEL_FILE, TRAINING_ROWS_FILE

if TYPE_CHECKING:
    import onnxruntime

    from scoreline.aws.reader import ModelReader


@dataclass(frozen=True)
class Champion:
    """A version that serves: its manifest, the bytes of its graphs, and keys of its training rows.

    `training_rows` is empty for a version that is older than these keys.
    """

    version: str
    manifest: dict[str, Any]
    online: bytes
    batch: bytes
    training_rows: bytes = b""

    @cached_property
    def session(self) -> onnxruntime.InferenceSession:
        """The graph for many rows."""
        return _open(self.batch)

    @cached_property
    def contract(self) -> Contract:
        """What it takes and how it decides."""
        metadata = _open(self.online).get_modelmeta().custom_metadata_map
        return Contract.from_json(metadata["contract"])


def read_champion(registry: ModelReader, model: str) -> Champion | None:
    """The version that serves a model; None where nothing does."""
    try:
        version = registry.pointer(model).champion.version
    except ModelNotFoundError:
        return None
    manifest = registry.manifest(model, version)
    online, batch = (registry.read(model, version, file) for file in (MODEL_FILE, BATCH_FILE))
    has_rows = TRAINING_ROWS_FILE in manifest["files"]
    rows = registry.read(model, version, TRAINING_ROWS_FILE) if has_rows else b""
    return Champion(version, manifest, online, batch, rows)


def _open(content: bytes) -> onnxruntime.InferenceSession:
    from scoreline.scoring.many_rows import open_session  # few have a champion

    return open_session(content)
