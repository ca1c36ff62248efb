"""What the rows of a file are answered: decisions, or recommendations, as columns.

The figures are those of `scoreline/scoring/decisions.py` and `recommendations.py`, and by the same
arithmetic: a float32 times 100 or 1e6 is exact in float64, so that rounding half to even by hand
gives what Python's `round` gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from scoreline.core.errors import BatchError
from scoreline.core.reasons import Explained, ReasonFinder
from scoreline.scoring.scores import bands, scores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from batch.encoding import Encoded
    from scoreline.core.contract import Contract

    type Outputs = Sequence[NDArray[np.float32]]

SCORES = ("probability", "log_odds")
EXPLAINED = ("margin", "contributions", "values")


class Task(Protocol):
    """What a model is for: the outputs of its graph, and the columns that they make."""

    @property
    def outputs(self) -> Sequence[str]:
        """The outputs that the answers need."""

    def columns(self, encoded: Encoded, outputs: Outputs) -> dict[str, pa.Array]:
        """What the answers say, each column of n_rows values.

        Parameters
        ----------
        outputs : of the encoded rows, each of shape (n_rows, its columns)
        """


class Decisions:
    """Answers for the task `default`, with codes and points of the principal reasons if asked."""

    def __init__(self, contract: Contract, *, reasons: bool) -> None:
        self._contract = contract
        self._reasons = ReasonFinder(contract) if reasons else None
        self.outputs = (*SCORES, *EXPLAINED) if reasons else SCORES

    def columns(self, encoded: Encoded, outputs: Outputs) -> dict[str, pa.Array]:
        """Figures, and the reasons in the order of their weight; null where none is."""
        probability, log_odds, *explained = outputs
        answers = self._figures(probability[:, 0].astype(float), log_odds[:, 0].astype(float))
        if self._reasons:
            approved = answers["decision"].to_numpy(zero_copy_only=False) == "approve"
            rows = zip(
                *(part.tolist() for part in (encoded.X.T, explained[2], explained[1])),
                *(part[:, 0].tolist() for part in (explained[0], log_odds)),
                approved.tolist(),
                strict=True,
            )
            answers |= self._listed([self._reasons.find(Explained(*row)) for row in rows])
        return answers

    def _figures(
        self, probability: NDArray[np.float64], log_odds: NDArray[np.float64]
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
            "decision": words(bands(contract, score), [band.decision for band in contract.bands]),
        }

    def _listed(self, found: Sequence[Sequence[dict[str, Any]]]) -> dict[str, pa.Array]:
        inquiries = any(reason.inquiries for reason in self._contract.reasons)
        columns: dict[str, pa.Array] = {}
        for i in range(self._contract.max_reasons + inquiries):
            given: list[dict[str, Any]] = [row[i] if i < len(row) else {} for row in found]
            codes = pa.array([reason.get("code") for reason in given], pa.string())
            points = pa.array([reason.get("points") for reason in given], pa.int32())
            columns |= {f"reason_{i + 1}": codes, f"reason_{i + 1}_points": points}
        return columns


class Recommendations:
    """Answers for the task `recommendation`: the likeliest products that are not held."""

    outputs = ("probabilities",)

    def __init__(self, contract: Contract, *, reasons: bool) -> None:
        if reasons:
            raise BatchError("recommendations have no reasons")
        self._names = [label.name for label in contract.labels]
        self._top = contract.top

    def columns(self, encoded: Encoded, outputs: Outputs) -> dict[str, pa.Array]:
        """Products from the likeliest on, equal ones in the contract's order; null where held."""
        [probabilities] = outputs
        ranked = np.where(encoded.held.T, -1.0, probabilities.astype(float))
        order = np.argsort(-ranked, axis=1, kind="stable")[:, : self._top]
        columns: dict[str, pa.Array] = {}
        for place, product in enumerate(order.T, 1):
            found = np.take_along_axis(ranked, product[:, None], axis=1)[:, 0]
            held = found < 0
            columns[f"product_{place}"] = words(product, self._names, missing=held)
            columns[f"product_{place}_probability"] = _rounded(found, missing=held)
        return columns


TASKS: dict[str, Callable[..., Task]] = {"default": Decisions, "recommendation": Recommendations}


def words(
    places: NDArray[Any], names: Sequence[str], *, missing: NDArray[np.bool_] | None = None
) -> pa.Array:
    """Names by their places, null where missing."""
    return pa.DictionaryArray.from_arrays(
        pa.array(places.astype(np.int8), mask=missing), pa.array(names, pa.string())
    )


def _rounded(
    probability: NDArray[np.float64], *, missing: NDArray[np.bool_] | None = None
) -> pa.Array:
    return pa.array(np.rint(probability * 1e6) / 1e6, mask=missing)
