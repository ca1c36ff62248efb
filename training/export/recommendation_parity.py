"""The parity gate of a recommendation: one graph against the fitted models of all labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scoreline.scoring.many_rows import open_session, run_rows, run_unlearned
from training.export.graphs import witness_graph
from training.export.parity import PROBABILITY_TOLERANCE, probe_rows, refuse
from training.fit.calibration import sigmoid
from training.graph.states import in_unlearned_state

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

    from scoreline.core.contract import Contract
    from training.fit.multilabel import FittedLabels


@dataclass(frozen=True, slots=True)
class LabelParity:
    """Number of rows of each kind that were compared, and the largest differences in probability.

    `online` and `batch` are the same graph; the witness is the converted model of each label.
    """

    rows: dict[str, int]
    online: float
    batch: float
    witness: float


def check_label_parity(
    model: FittedLabels,
    contract: Contract,
    session: onnxruntime.InferenceSession,
    held_out: NDArray[np.float32],
) -> LabelParity:
    """Compare the graph, and the converted models, with the fitted pipelines.

    Rankings can then differ only between products within twice the tolerance of each other.

    Parameters
    ----------
    held_out : rows that were not used in fitting, shape (n_rows, n_features); see `check_parity`

    Raises
    ------
    ParityError
        A probability differs by more than 1e-5; counts the rows.
    """
    kinds = dict(probe_rows(model, contract, held_out))
    X = np.concatenate(list(kinds.values()))
    labels = np.repeat(list(kinds), [len(rows) for rows in kinds.values()])
    native = sigmoid(model.log_odds(X))
    gaps = {
        "online": _largest(run_rows(session, X, ["probabilities"])[0] - native),
        "batch": _largest(session.run(["probabilities"], {"X": X})[0] - native),
        "witness": _witness_gap(model, X),
    }
    for graph, gap in gaps.items():
        refuse(f"{graph} graph", ~(gap <= PROBABILITY_TOLERANCE), gap, labels)
    found = run_unlearned(session, X).any(axis=1) ^ in_unlearned_state(contract, X)
    refuse("unlearned state of the graph", found, found.astype(float), labels)
    return LabelParity(
        rows={kind: len(rows) for kind, rows in kinds.items()},
        **{graph: float(gap.max()) for graph, gap in gaps.items()},
    )


def _witness_gap(model: FittedLabels, X: NDArray[np.float32]) -> NDArray[np.float64]:
    """Converted models against the same pipelines, uncalibrated."""
    columns = model.first.pipeline[0].transform(X)
    largest = np.zeros(len(X))
    for fitted in model.fitted.values():
        session = open_session(witness_graph(fitted).SerializeToString())
        [converted] = run_rows(session, columns, ["probabilities"])
        with np.errstate(over="ignore", invalid="ignore"):  # scikit-learn overflows on extreme rows
            native = fitted.pipeline[1:].predict_proba(columns)
        largest = np.maximum(largest, _largest(converted - native))
    return largest


def _largest(differences: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(np.abs(differences).max(axis=1), np.float64)
