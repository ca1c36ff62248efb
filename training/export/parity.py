"""The parity gate: ONNX and the fitted pipeline must agree before a version is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from scoreline.core.errors import ParityError
from scoreline.core.features import UNSEEN_CATEGORY
from scoreline.scoring.many_rows import run_rows, run_unlearned
from scoreline.scoring.scores import decisions, points, scores
from training.data.sampling import evenly_spaced
from training.export.state_rows import feature_values, undefined_rows
from training.fit.calibration import sigmoid
from training.graph.states import in_unlearned_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import onnxruntime
    from numpy.typing import NDArray

    from scoreline.core.contract import Contract
    from training.fit.model import FittedModel
    from training.graph.features import Column
    from training.graph.trees import Ensemble

PROBABILITY_TOLERANCE = 1e-5
CONTRIBUTIONS_TOLERANCE = 1e-4
# Scores that differ only because both lie on the boundary between two integers are a tie, unless
# the boundary is a cutoff.
TIE_POINTS = 1e-3
# Held-out rows on which each change of a single value is tried.
REPEATS = 25
# Most held-out rows that are compared unchanged.
HELD_OUT_ROWS = 20_000


class Probed(Protocol):
    """A model with split thresholds to probe."""

    @property
    def columns(self) -> Sequence[Column]:
        """Columns of the design matrix."""

    @property
    def ensembles(self) -> Sequence[Ensemble]:
        """All ensembles on these columns."""


@dataclass(frozen=True, slots=True)
class Parity:
    """Number of rows of each kind that were compared, and the largest differences in probability.

    `witness` is None for an algorithm that no library converts.
    """

    rows: dict[str, int]
    online: float
    batch: float
    witness: float | None
    contributions: float
    ties: int


@dataclass(frozen=True)
class Candidate:
    """The graphs that are compared with the fitted model.

    A row's margin is `expected_margin` plus its contributions.
    """

    online: onnxruntime.InferenceSession
    batch: onnxruntime.InferenceSession
    witness: onnxruntime.InferenceSession | None
    expected_margin: float


def check_parity(
    model: FittedModel, contract: Contract, candidate: Candidate, held_out: NDArray[np.float32]
) -> Parity:
    """Compare online, batch and converted graph with the fitted pipeline.

    Parameters
    ----------
    held_out : rows that were not used in fitting, shape (n_rows, n_features); rows at split
        thresholds, with missing values, special codes and so on are built from them

    Raises
    ------
    ParityError
        A probability differs by more than 1e-5, or a score or decision differs; counts the rows.
    """
    kinds = dict(probe_rows(model, contract, held_out))
    X = np.concatenate(list(kinds.values()))
    labels = np.repeat(list(kinds), [len(rows) for rows in kinds.values()])
    native = model.log_odds(X)
    probability, log_odds, margin, contributions = run_rows(
        candidate.online, X, ["probability", "log_odds", "margin", "contributions"]
    )
    batch, batch_log_odds, batch_contributions = run_rows(
        candidate.batch, X, ["probability", "log_odds", "contributions"]
    )
    gaps = {
        "online": np.abs(probability[:, 0] - sigmoid(native)),
        "batch": np.abs(batch[:, 0] - sigmoid(native)),
    }
    if candidate.witness is not None:
        gaps["witness"] = _witness_gap(model, candidate.witness, X)
    for graph, gap in gaps.items():
        # Negated, so that NaN counts as a difference.
        refuse(f"{graph} graph", ~(gap <= PROBABILITY_TOLERANCE), gap, labels)
    ties = 0
    for graph, values in (("online", log_odds[:, 0]), ("batch", batch_log_odds[:, 0])):
        differs, tied = _answers_differ(contract, values, native)
        refuse(f"score or decision of the {graph} graph", differs, gaps[graph], labels)
        ties += tied
    _check_unlearned(contract, candidate, X, labels)
    unexplained = np.maximum(
        _unexplained(candidate.expected_margin, margin[:, 0], contributions),
        _unexplained(candidate.expected_margin, margin[:, 0], batch_contributions),
    )
    refuse("sum of contributions", ~(unexplained <= CONTRIBUTIONS_TOLERANCE), unexplained, labels)
    return Parity(
        rows={kind: len(rows) for kind, rows in kinds.items()},
        online=float(gaps["online"].max()),
        batch=float(gaps["batch"].max()),
        witness=float(gaps["witness"].max()) if "witness" in gaps else None,
        contributions=float(unexplained.max()),
        ties=ties,
    )


def _check_unlearned(
    contract: Contract, candidate: Candidate, X: NDArray[np.float32], labels: NDArray[np.str_]
) -> None:
    """Both graphs find the unlearned states that training counts."""
    expected = in_unlearned_state(contract, X)
    for graph in ("online", "batch"):
        gap = run_unlearned(getattr(candidate, graph), X).any(axis=1) ^ expected
        refuse(f"unlearned state of the {graph} graph", gap, gap.astype(float), labels)


def _witness_gap(
    model: FittedModel, witness: onnxruntime.InferenceSession, X: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Differences in uncalibrated probability, from the design matrix on."""
    columns = model.pipeline[0].transform(X)
    [converted] = run_rows(witness, columns, ["probabilities"])
    with np.errstate(over="ignore", invalid="ignore"):  # scikit-learn overflows on extreme rows
        native = model.pipeline[1:].predict_proba(columns)[:, 1]
    gap: NDArray[np.float64] = np.abs(converted[:, 1] - native)
    return gap


def probe_rows(
    model: Probed, contract: Contract, held_out: NDArray[np.float32]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Held-out rows, and rows built from them where conversions are known to go wrong.

    Evenly spaced rows are sampled where there are many.
    """
    held_out = held_out[evenly_spaced(len(held_out), HELD_OUT_ROWS)]
    yield "held-out", held_out
    yield "missing", _with_values(held_out, [(j, np.nan) for j in range(held_out.shape[1])])
    yield (
        "infinite",
        _with_values(
            held_out, [(j, sign * np.inf) for j in range(held_out.shape[1]) for sign in (1, -1)]
        ),
    )
    ends = [
        (j, end) for j, f in enumerate(contract.features) if not f.categories for end in f.range
    ]
    yield "end of range", _with_values(held_out, ends)
    specials = [(j, code) for j, f in enumerate(contract.features) for code in f.specials]
    yield "special code", _with_values(held_out, specials)
    unseen = [(j, UNSEEN_CATEGORY) for j, f in enumerate(contract.features) if f.categories]
    yield "unseen category", _with_values(held_out, unseen)
    states = _with_values(held_out, list(feature_values(contract, held_out)))
    yield "state", np.concatenate([states, undefined_rows(contract, held_out, REPEATS)])
    yield "split threshold", _with_values(held_out, at_thresholds(model, contract), 1)


def _with_values(
    held_out: NDArray[np.float32], changes: list[tuple[int, float]], repeats: int = REPEATS
) -> NDArray[np.float32]:
    """Rows with one changed value each, built from the held-out rows in turn."""
    changes = [change for change in changes for _ in range(repeats)]
    rows = held_out[np.arange(len(changes)) % len(held_out)].copy()
    for row, (position, value) in zip(rows, changes, strict=True):
        row[position] = value
    return rows


def at_thresholds(model: Probed, contract: Contract) -> list[tuple[int, float]]:
    """Every split threshold on an amount, with its two float32 neighbours."""
    found: set[tuple[int, float]] = set()
    for tree in (tree for ensemble in model.ensembles for tree in ensemble.trees):
        inner = tree.feature >= 0
        for column, threshold in zip(tree.feature[inner], tree.threshold[inner], strict=True):
            tested = model.columns[column]
            if tested.value is None and tested.source < len(contract.features):
                found |= {(tested.source, float(value)) for value in _neighbours(threshold)}
    return sorted(found)


def _neighbours(threshold: np.float32) -> NDArray[np.float32]:
    """The float32 values below, at and above a threshold."""
    with np.errstate(over="ignore"):
        return np.nextafter(threshold, np.array([-np.inf, threshold, np.inf], np.float32))


def _unexplained(
    expected: float, margin: NDArray[np.float32], contributions: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Margin not explained by contributions, relative to the largest of them if that exceeds 1."""
    total = expected + contributions.sum(axis=1, dtype=np.float64)
    size = np.abs(contributions).max(axis=1).clip(min=1)
    unexplained: NDArray[np.float64] = np.abs(margin - total) / size
    return unexplained


def _answers_differ(
    contract: Contract, ours: NDArray[np.float32], native: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], int]:
    """Rows whose score or decision differs, and the number of ties, which are not counted."""
    scale = contract.score_scale
    exact = np.array([points(scale, log_odds) for log_odds in (ours, native)])
    found = np.array([scores(scale, log_odds) for log_odds in (ours, native)])
    decided = [decisions(contract, rounded) for rounded in found]
    differs = found[0] != found[1]
    edge = np.abs(exact % 1 - 0.5) < TIE_POINTS
    ties = differs & edge.all(axis=0) & (decided[0] == decided[1])
    return differs & ~ties, int(ties.sum())


def refuse(
    subject: str, wrong: NDArray[np.bool_], gap: NDArray[np.float64], labels: NDArray[np.str_]
) -> None:
    """Raise a ParityError that counts the wrong rows of each kind, if there are any.

    Parameters
    ----------
    wrong, gap, labels : shape (n_rows,): whether a row is wrong, by how much, and its kind
    """
    if not wrong.any():
        return
    kinds = [
        f"{np.sum(labels[wrong] == kind)} {kind} rows (from number "
        f"{np.flatnonzero(wrong & (labels == kind))[0] - np.flatnonzero(labels == kind)[0]})"
        for kind in dict.fromkeys(labels[wrong].tolist())
    ]
    differs = f"differs from the fitted pipeline by up to {np.nanmax(gap):.2g}"
    raise ParityError(f"{subject} {differs}: {', '.join(kinds)}")
