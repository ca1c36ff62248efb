"""A version's `batch.onnx`: encoded rows in, columns of answers out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from batch.tasks import TASKS, words
from scoreline.core.contract import Contract
from scoreline.core.errors import VersionRefusedError
from scoreline.core.versions import BATCH_FILE, MODEL_FILE, digest
from scoreline.scoring.many_rows import open_session, run_rows

if TYPE_CHECKING:
    import onnxruntime
    import pyarrow as pa

    from batch.encoding import Encoded
    from scoreline.aws.reader import ModelReader


class BatchModel:
    """One version of a model, for many rows; safe to use in several threads.

    Attributes
    ----------
    sha256 : of its `batch.onnx`
    id_column : column of the ids in the dataset that it was trained on, or ""
    """

    def __init__(
        self, session: onnxruntime.InferenceSession, sha256: str, id_column: str = ""
    ) -> None:
        metadata = session.get_modelmeta().custom_metadata_map
        self.contract = Contract.from_json(metadata["contract"])
        self.version: str = metadata["version"]
        self.sha256, self.id_column = sha256, id_column
        self._session = session

    def answer(self, encoded: Encoded, *, reasons: bool = False) -> dict[str, pa.Array]:
        """Columns of answers, each of n_rows values, equal to those of single applications.

        Parameters
        ----------
        encoded : rows that break no rule
        reasons : give the principal reasons too, which takes some 30 us a row
        """
        task = TASKS[self.contract.task](self.contract, reasons=reasons)
        answers = task.columns(encoded, run_rows(self._session, encoded.X.T, task.outputs))
        return {**answers, "version": words(np.zeros(encoded.X.shape[1]), [self.version])}


def load_batch_model(registry: ModelReader, model: str, version: str = "") -> BatchModel:
    """Load a version's batch graph, the champion's by default.

    Raises
    ------
    VersionRefusedError
        A digest is not the one of the manifest, or the manifest is not the pointer's.
    """
    champion = None if version else registry.pointer(model).champion
    version = champion.version if champion else version
    manifest = registry.manifest(model, version)
    files = manifest.get("files")
    if not isinstance(files, dict) or not {MODEL_FILE, BATCH_FILE} <= files.keys():
        raise VersionRefusedError(f"{model} {version}: the manifest names no {BATCH_FILE}")
    if champion is not None and files[MODEL_FILE]["sha256"] != champion.sha256:
        raise VersionRefusedError(f"{model} {version}: the manifest is not the pointer's")
    content = registry.read(model, version, BATCH_FILE)
    sha256 = digest(content)
    if sha256 != files[BATCH_FILE]["sha256"]:
        raise VersionRefusedError(f"{model} {version}: {BATCH_FILE} is not the manifest's")
    return BatchModel(open_session(content), sha256, manifest["definition"]["id"])
