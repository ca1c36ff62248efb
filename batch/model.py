"""A version's `batch.onnx`: encoded rows in, columns of answers out."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pyarrow as pa

from functions.predict.reasons import Explained, ReasonFinder
from functions.shared.contract import Contract
from functions.shared.errors import InvalidRequestError, VersionRefusedError
from functions.shared.versions import BATCH_FILE, MODEL_FILE, digest
from training import bits
from training.contributions import ROWS_PER_RUN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from functions.shared.reader import ModelReader

SCORES = ("probability", "log_odds")
EXPLAINED = ("margin", "contributions", "values")


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
        if not self.contract.bands:
            raise InvalidRequestError("files are scored by models that decide, not recommend")
        self.version: str = metadata["version"]
        self.sha256, self.id_column = sha256, id_column
        self._session = session
        self._reasons = ReasonFinder(self.contract)

    def answer(self, X: NDArray[np.float32], *, reasons: bool = False) -> dict[str, pa.Array]:
        """Columns of answers, each of n_rows values, equal to those of single applications.

        Parameters
        ----------
        X : encoded rows, of shape (n_features, n_rows)
        reasons : give codes and points of the principal reasons too; takes some 30 us a row
        """
        outputs = (*SCORES, *EXPLAINED) if reasons else SCORES
        probability, log_odds, *explained = self.run(X, outputs)
        answers = self._columns(probability[:, 0].astype(float), log_odds[:, 0].astype(float))
        if reasons:
            approved = answers["decision"].to_numpy(zero_copy_only=False) == "approve"
            answers |= self._reason_columns(X, log_odds, explained, approved)
        return answers

    def run(self, X: NDArray[np.float32], outputs: Sequence[str]) -> list[NDArray[np.float32]]:
        """Outputs of the graph for rows of shape (n_features, n_rows), in runs that suit it."""
        if not X.shape[1]:  # which graphs do not take
            widths = {output.name: output.shape[1] for output in self._session.get_outputs()}
            return [np.empty((0, widths[name]), np.float32) for name in outputs]
        explain = "contributions" in outputs
        size = ROWS_PER_RUN if explain else bits.ROWS_PER_RUN
        runs = [
            self._session.run(
                outputs,
                {"X": np.ascontiguousarray(X[:, i : i + size].T), "explain": np.array(explain)},
            )
            for i in range(0, X.shape[1], size)
        ]
        return [np.concatenate(parts) for parts in zip(*runs, strict=True)]

    def _columns(
        self, probability: NDArray[np.float64], log_odds: NDArray[np.float64]
    ) -> dict[str, pa.Array]:
        """The figures of `ScoringModel`, and by the same arithmetic.

        A float32 times 100 or 1e6 is exact in float64, so rounding half to even by hand gives what
        Python's `round` gives.
        """
        contract, scale = self.contract, self.contract.score_scale
        limit = scale.MAX_LOG_ODDS
        points = scale.base_score - scale.factor * (
            np.clip(log_odds, -limit, limit) + log(scale.base_odds)
        )
        score = np.rint(points).astype(np.int32)
        cutoffs = [-band.min_score for band in contract.bands if band.min_score is not None]
        bounds = [level.max_probability for level in contract.risk_levels]
        level = np.searchsorted([b for b in bounds if b is not None], probability)
        return {
            "probability_of_default": pa.array(np.rint(probability * 1e6) / 1e6),
            "score": pa.array(score),
            "risk_score": pa.array(np.rint(100 * probability * 100) / 100),
            "risk_level": _words(level, [level.name for level in contract.risk_levels]),
            "decision": _words(
                np.searchsorted(cutoffs, -score), [band.decision for band in contract.bands]
            ),
            "version": _words(np.zeros(len(score)), [self.version]),
        }

    def _reason_columns(
        self,
        X: NDArray[np.float32],
        log_odds: NDArray[np.float32],
        explained: Sequence[NDArray[np.float32]],
        approved: NDArray[np.bool_],
    ) -> dict[str, pa.Array]:
        """`reason_1`, `reason_1_points`, ... in the order of their weight; null where none is."""
        margin, contributions, values = explained
        rows = zip(
            *(part.tolist() for part in (X.T, values, contributions)),
            *(part[:, 0].tolist() for part in (margin, log_odds)),
            approved.tolist(),
            strict=True,
        )
        found = [self._reasons.find(Explained(*row)) for row in rows]
        inquiries = any(reason.inquiries for reason in self.contract.reasons)
        columns: dict[str, pa.Array] = {}
        for i in range(self.contract.max_reasons + inquiries):
            given: list[dict[str, Any]] = [row[i] if i < len(row) else {} for row in found]
            codes = pa.array([reason.get("code") for reason in given], pa.string())
            points = pa.array([reason.get("points") for reason in given], pa.int32())
            columns |= {f"reason_{i + 1}": codes, f"reason_{i + 1}_points": points}
        return columns


def load_batch_model(registry: ModelReader, model: str, version: str = "") -> BatchModel:
    """Load a version's batch graph, the champion's by default.

    Raises
    ------
    VersionRefusedError
        A digest is not the one of the manifest, or the manifest is not the pointer's.
    InvalidRequestError
        The model makes no decisions.
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
    return BatchModel(open_batch_session(content), sha256, manifest["definition"]["id"])


def open_batch_session(content: bytes) -> onnxruntime.InferenceSession:
    """A session of one thread: parts are scored abreast."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options)


def _words(positions: NDArray[Any], words: Sequence[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(positions.astype(np.int8)), pa.array(words))
