"""A version's `batch.onnx`: turns encoded rows into columns of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from batch.answer_columns import ANSWER_COLUMNS, unseen_features, words
from scoreline.core.contract import Contract
from scoreline.core.errors import VersionRefusedError
from scoreline.core.versions import BATCH_FILE, MODEL_FILE, digest
from scoreline.scoring.many_rows import open_session, run_rows

if TYPE_CHECKING:
    import onnxruntime
    import pyarrow as pa

    from batch.encoding import EncodedRows
    from scoreline.aws.reader import ModelReader


class BatchModel:
    """One version of a model, for many rows; several threads may share it.

    Attributes
    ----------
    sha256 : of its `batch.onnx`
    id_column : column of the ids in its training dataset, or ""
    """

    def __init__(
        self, session: onnxruntime.InferenceSession, sha256: str, id_column: str = ""
    ) -> None:
        metadata = session.get_modelmeta().custom_metadata_map
        self.contract = Contract.from_json(metadata["contract"])
        self.version: str = metadata["version"]
        self.sha256, self.id_column = sha256, id_column
        self._session = session

    def answer(
        self, encoded: EncodedRows, *, reasons: bool = False, contributions: bool = False
    ) -> dict[str, pa.Array]:
        """Columns of answers, each of n_rows values, equal to the answers of `/predict`.

        Parameters
        ----------
        encoded : rows that comply with every rule
        reasons : also give the principal reasons, which takes about 30 us per row
        contributions : also give the margin and every source's contribution to it
        """
        make = ANSWER_COLUMNS[self.contract.task]
        answer = make(self.contract, reasons=reasons, contributions=contributions)
        answers = answer.columns(encoded, run_rows(self._session, encoded.X.T, answer.outputs))
        version = words(np.zeros(encoded.X.shape[1]), [self.version])
        return {**answers, **unseen_features(self.contract, encoded.X), "version": version}


def load_batch_model(registry: ModelReader, model: str, version: str = "") -> BatchModel:
    """Load the batch graph of a version, by default the champion.

    Raises
    ------
    VersionRefusedError
        A digest differs from the manifest's, or the manifest does not match the pointer.
    """
    champion = None if version else registry.pointer(model).champion
    version = champion.version if champion else version
    manifest = registry.manifest(model, version)
    files = manifest.get("files")
    if not isinstance(files, dict) or not {MODEL_FILE, BATCH_FILE} <= files.keys():
        raise VersionRefusedError(f"{model} {version}: the manifest does not list {BATCH_FILE}")
    if champion is not None and files[MODEL_FILE]["sha256"] != champion.sha256:
        raise VersionRefusedError(f"{model} {version}: the manifest does not match the pointer")
    content = registry.read(model, version, BATCH_FILE)
    sha256 = digest(content)
    if sha256 != files[BATCH_FILE]["sha256"]:
        raise VersionRefusedError(f"{model} {version}: {BATCH_FILE} does not match the manifest")
    return BatchModel(open_session(content), sha256, manifest["definition"]["id"])
