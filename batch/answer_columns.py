"""Answers for the rows of a file as columns: decisions or recommendations.

The figures equal those of `scoreline/scoring/decisions.py` and `recommendations.py`: a float32
times 100 or 1e6 is exact in float64, so rounding half to even here agrees with Python's `round`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from scoreline.core.errors import BatchError
from scoreline.core.features import UNSEEN_CATEGORY
from scoreline.core.reasons import Explained, ReasonFinder
from scoreline.scoring.scores import bands, decisions, scores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from batch.encoding import EncodedRows
    from scoreline.core.contract import Contract

    type Outputs = Sequence[NDArray[np.float32]]

SCORES = ("probability", "log_odds")
EXPLAINED = ("margin", "contributions", "values")


class AnswerColumns(Protocol):
    """Turns the graph's outputs into columns of answers, for one task."""

    @property
    def outputs(self) -> Sequence[str]:
        """Names of the outputs that the answers need."""

    def columns(
        self, encoded: EncodedRows, outputs: Outputs, unlearned: NDArray[np.bool_]
    ) -> dict[str, pa.Array]:
        """Columns of answers, each of n_rows values.

        Parameters
        ----------
        outputs : of the graph for the encoded rows, each of shape (n_rows, its columns)
        unlearned : whether rows are in an unlearned state, shape (n_rows,)
        """


class DecisionColumns:
    """Answers for the task `default`, optionally with reasons and contributions."""

    def __init__(self, contract: Contract, *, reasons: bool, contributions: bool) -> None:
        self._contract = contract
        self._reasons = ReasonFinder(contract) if reasons else None
        self._contributions = contributions
        self.outputs = (*SCORES, *EXPLAINED) if reasons or contributions else SCORES

    def columns(
        self, encoded: EncodedRows, outputs: Outputs, unlearned: NDArray[np.bool_]
    ) -> dict[str, pa.Array]:
        """Figures, and the reasons by decreasing weight; null where there is no further reason."""
        probability, log_odds, *explained = outputs
        answers = self._figures(
            probability[:, 0].astype(float), log_odds[:, 0].astype(float), unlearned
        )
        if self._reasons:
            # Reasons explain the score, whatever is unlearned.
            approved = decisions(self._contract, answers["score"].to_numpy()) == "approve"
            rows = zip(
                *(part.tolist() for part in (encoded.X.T, explained[2], explained[1])),
                *(part[:, 0].tolist() for part in (explained[0], log_odds)),
                approved.tolist(),
                strict=True,
            )
            answers |= self._reason_columns([self._reasons.find(Explained(*row)) for row in rows])
        if self._contributions:
            answers |= self._contribution_columns(explained[0], explained[1])
        return answers

    def _figures(
        self,
        probability: NDArray[np.float64],
        log_odds: NDArray[np.float64],
        unlearned: NDArray[np.bool_],
    ) -> dict[str, pa.Array]:
        contract = self._contract
        score = scores(contract.score_scale, log_odds)
        bounds = [level.max_probability for level in contract.risk_levels]
        level = np.searchsorted([b for b in bounds if b is not None], probability)
        return {
            "probability_of_default": _rounded(probability),
            "score": pa.array(score.astype(np.int32)),
            "risk_score": pa.array(np.rint(100 * probability * 100) / 100),
            "risk_level": words(level, [level.name for level in contract.risk_levels]),
            "decision": self._decisions(score, unlearned),
        }

    def _decisions(self, score: NDArray[np.int64], unlearned: NDArray[np.bool_]) -> pa.Array:
        """The decision of each row; see `Contract.decide`."""
        found = [band.decision for band in self._contract.bands]
        names = found if "refer" in found else [*found, "refer"]
        places = bands(self._contract, score)
        if self._contract.refers_unlearned:
            places = np.where(unlearned, names.index("refer"), places)
        return words(places, names)

    def _reason_columns(self, found: Sequence[Sequence[dict[str, Any]]]) -> dict[str, pa.Array]:
        inquiries = any(reason.inquiries for reason in self._contract.reasons)
        columns: dict[str, pa.Array] = {}
        for i in range(self._contract.max_reasons + inquiries):
            ith: list[dict[str, Any]] = [row[i] if i < len(row) else {} for row in found]
            codes = pa.array([reason.get("code") for reason in ith], pa.string())
            points = pa.array([reason.get("points") for reason in ith], pa.int32())
            texts = pa.array([reason.get("text") for reason in ith], pa.string())
            name = f"reason_{i + 1}"
            columns |= {name: codes, f"{name}_points": points, f"{name}_text": texts}
        return columns

    def _contribution_columns(
        self, margin: NDArray[np.float32], contributions: NDArray[np.float32]
    ) -> dict[str, pa.Array]:
        """The margin, in log-odds before calibration, and what each source contributes to it."""
        names = [f"contribution_{source.name}" for source in self._contract.sources]
        columns = (pa.array(column) for column in np.ascontiguousarray(contributions.T))
        return {"margin": pa.array(margin[:, 0]), **dict(zip(names, columns, strict=True))}


class RecommendationColumns:
    """Answers for the task `recommendation`: the likeliest products that are not held."""

    outputs = ("probabilities",)

    def __init__(self, contract: Contract, *, reasons: bool, contributions: bool) -> None:
        if reasons or contributions:
            raise BatchError("recommendations have no reasons and no contributions")
        self._names = [label.name for label in contract.labels]
        self._top = contract.top

    def columns(
        self,
        encoded: EncodedRows,
        outputs: Outputs,
        unlearned: NDArray[np.bool_],
    ) -> dict[str, pa.Array]:
        """Products, the likeliest first, ties in the contract's order; null where all are held."""
        [probabilities] = outputs
        # Products held rank below every probability.
        ranked = np.where(encoded.held.T, -1.0, probabilities.astype(float))
        order = np.argsort(-ranked, axis=1, kind="stable")[:, : self._top]
        columns: dict[str, pa.Array] = {}
        for place, product in enumerate(order.T, 1):
            found = np.take_along_axis(ranked, product[:, None], axis=1)[:, 0]
            held = found < 0
            columns[f"product_{place}"] = words(product, self._names, missing=held)
            columns[f"product_{place}_probability"] = _rounded(found, missing=held)
        return columns


ANSWER_COLUMNS: dict[str, Callable[..., AnswerColumns]] = {
    "default": DecisionColumns,
    "recommendation": RecommendationColumns,
}


def unseen_features(contract: Contract, X: NDArray[np.float32]) -> dict[str, pa.Array]:
    """The column `unseen`, where a model accepts categories that it does not know.

    It names the features whose category was accepted as unseen, with commas between them, and is
    null in rows without such a feature.
    """
    accepting = [i for i, f in enumerate(contract.features) if f.unseen == "accept"]
    if not accepting:
        return {}
    names = [contract.features[i].name for i in accepting]
    return {"unseen": _named(names, X[accepting].T == UNSEEN_CATEGORY)}


def unlearned_features(contract: Contract, flags: NDArray[np.bool_]) -> dict[str, pa.Array]:
    """The column `unlearned`, where a model has unlearned states.

    It names the features in such a state, with commas between them, and is null in rows without
    one.

    Parameters
    ----------
    flags : whether rows are in each unlearned state, shape (n_rows, n_states)
    """
    if not contract.unlearned:
        return {}
    return {"unlearned": _named([state.feature for state in contract.unlearned], flags)}


def _named(names: Sequence[str], flags: NDArray[np.bool_]) -> pa.Array:
    """The names whose flags are set in each row, with commas between them; null for none."""
    listed = np.array(names)
    found = np.full(len(flags), None, object)
    for row in np.flatnonzero(flags.any(axis=1)):
        found[row] = ",".join(listed[flags[row]])
    return pa.array(found, pa.string())


def words(
    positions: NDArray[Any], names: Sequence[str], *, missing: NDArray[np.bool_] | None = None
) -> pa.Array:
    """Names by their positions, null where missing."""
    return pa.DictionaryArray.from_arrays(
        pa.array(positions.astype(np.int8), mask=missing), pa.array(names, pa.string())
    )


def _rounded(
    probability: NDArray[np.float64], *, missing: NDArray[np.bool_] | None = None
) -> pa.Array:
    return pa.array(np.rint(probability * 1e6) / 1e6, mask=missing)
