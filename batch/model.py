"""A version's `batch.onnx`: turns encoded rows into columns of answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from batch.answer_columns import ANSWER_COLUMNS, unlearned_features, unseen_features, words
from scoreline.core.contract import Contract
from scoreline.core.errors import VersionRefusedError
from scoreline.core.unlearned import unlearned_rule
from scoreline.core.versions import BATCH_FILE, MODEL_FILE, digest
from scoreline.scoring.many_rows import open_session, run_rows, run_unlearned, unlearned_output

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
        named = unlearned_output(self._session)
        outputs = run_rows(self._session, encoded.X.T, [*answer.outputs, *named])
        flags = outputs.pop() == 1 if named else np.zeros((encoded.X.shape[1], 0), bool)
        return {
            **answer.columns(encoded, outputs, flags.any(axis=1)),
            **unseen_features(self.contract, encoded.X),
            **unlearned_features(self.contract, flags),
            "version": words(np.zeros(encoded.X.shape[1]), [self.version]),
        }

    def refused(self, encoded: EncodedRows) -> EncodedRows:
        """The rows with the breaches of a model that refuses unlearned states.

        Other models are not run for it.
        """
        unlearned = self.contract.unlearned
        if not unlearned or self.contract.unlearned_rule != "refuse":
            return encoded
        flags = run_unlearned(self._session, encoded.X.T)
        kept = encoded.kept
        breaches = [
            (state.feature, unlearned_rule(state), kept & rows)
            for state, rows in zip(unlearned, flags.T, strict=True)
            if (kept & rows).any()
        ]
        return replace(encoded, broken=[*encoded.broken, *breaches])


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
