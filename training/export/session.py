"""ONNX Runtime as training runs it: sessions on one thread, and their metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from onnx import ModelProto, helper

from training.graph.contributions import ROWS_PER_RUN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def with_metadata(model: ModelProto, metadata: Mapping[str, str]) -> bytes:
    """The model's bytes with `metadata` as its metadata_props; equal input gives equal bytes."""
    copy = ModelProto()
    copy.CopyFrom(model)
    helper.set_model_props(copy, dict(sorted(metadata.items())))
    content: bytes = copy.SerializeToString(deterministic=True)
    return content


def open_session(content: bytes) -> onnxruntime.InferenceSession:
    """A session on one thread, as the predict function opens it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # it warns of inputs that a run may leave out
    return onnxruntime.InferenceSession(content, options)


def log_odds_of(batch: onnxruntime.InferenceSession, X: NDArray[np.float32]) -> NDArray[np.float64]:
    """Log-odds of default by the batch graph, contributions left out, shape (n_rows,)."""
    explain = np.array(False)
    parts = [
        batch.run(["log_odds"], {"X": X[start : start + ROWS_PER_RUN], "explain": explain})[0]
        for start in range(0, len(X), ROWS_PER_RUN)
    ]
    return np.concatenate(parts)[:, 0].astype(np.float64)


def run_log_odds(
    session: onnxruntime.InferenceSession, X: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Log-odds of many rows, shape (n_rows,), without contributions where they can be left out."""
    options = {i.name: np.array(False) for i in session.get_inputs() if i.name == "explain"}
    parts = [
        session.run(["log_odds"], {"X": X[start : start + ROWS_PER_RUN], **options})[0][:, 0]
        for start in range(0, len(X), ROWS_PER_RUN)
    ]
    return np.concatenate([np.empty(0), *parts])


def thinned(X: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """At most so many of the rows, at equal distances."""
    return X if len(X) <= most else X[np.linspace(0, len(X) - 1, most).astype(np.int64)]


def run(
    session: onnxruntime.InferenceSession,
    X: NDArray[np.float32],
    outputs: list[str],
    *,
    name: str = "X",
) -> list[NDArray[np.float32]]:
    """Outputs of a session for many rows, run in chunks."""
    parts = [
        session.run(outputs, {name: X[start : start + ROWS_PER_RUN]})
        for start in range(0, len(X), ROWS_PER_RUN)
    ]
    return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
