"""Runs graphs over many rows with onnxruntime and numpy alone, for batch and for training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from scoreline.core.contract import UNLEARNED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Rows per run: intermediate tensors stay in the cache; measured at every depth.
ROWS_PER_RUN = 512
ROWS_PER_EXPLAINED_RUN = 256
# A batch graph computes these only where its input `explain` is true.
EXPLAIN = "explain"
EXPLAINED = frozenset({"contributions", "values"})


def open_session(content: bytes) -> onnxruntime.InferenceSession:
    """A session on one thread: callers score several chunks of rows at once instead."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # it would warn about inputs that a run may leave out
    return onnxruntime.InferenceSession(content, options)


def run_rows(
    session: onnxruntime.InferenceSession,
    X: NDArray[np.float32],
    outputs: Sequence[str],
    *,
    rows_per_run: int | None = None,
) -> list[NDArray[np.float32]]:
    """Outputs of a graph for many rows, run in chunks that suit it.

    Trees are scored many times faster without contributions, so a graph that can leave them out
    does so unless an output needs them.

    Parameters
    ----------
    X : shape (n_rows, n_columns), in any memory order; may have no rows
    outputs : names of float32 outputs of shape (n_rows, their columns)
    """
    explain = not EXPLAINED.isdisjoint(outputs)
    size = rows_per_run or (ROWS_PER_EXPLAINED_RUN if explain else ROWS_PER_RUN)
    can_explain = any(option.name == EXPLAIN for option in session.get_overridable_initializers())
    options = {EXPLAIN: np.array(explain)} if can_explain else {}
    widths = {o.name: o.shape[-1] for o in session.get_outputs()}
    [name] = (given.name for given in session.get_inputs())
    found = [np.empty((len(X), widths[output]), np.float32) for output in outputs]
    for start in range(0, len(X), size):
        rows = slice(start, start + size)
        answers = session.run(outputs, {name: np.ascontiguousarray(X[rows]), **options})
        for whole, part in zip(found, answers, strict=True):
            whole[rows] = part
    return found


def run_log_odds(
    session: onnxruntime.InferenceSession, X: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Calibrated log-odds of default of many rows, shape (n_rows,)."""
    [log_odds] = run_rows(session, X, ["log_odds"])
    return log_odds[:, 0].astype(np.float64)


def unlearned_output(session: onnxruntime.InferenceSession) -> list[str]:
    """The output that says which unlearned states a row is in, if the graph has it."""
    return [output.name for output in session.get_outputs() if output.name == UNLEARNED]


def run_unlearned(
    session: onnxruntime.InferenceSession, X: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Whether rows are in each unlearned state of the model, shape (n_rows, n_states)."""
    if not unlearned_output(session):
        return np.zeros((len(X), 0), bool)
    [found] = run_rows(session, X, [UNLEARNED])
    return np.asarray(found == 1)
