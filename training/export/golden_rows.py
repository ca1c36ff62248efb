"""Golden rows: applications with answers that a version must reproduce to be promoted."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.core.contract import HELD
from scoreline.core.unlearned import refusal
from scoreline.scoring.many_rows import run_rows, run_unlearned
from training.export.state_rows import visiting_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnxruntime
    from numpy.typing import NDArray

    from scoreline.core.contract import Contract, State
    from scoreline.core.features import Feature

COUNT = 12
SEED = 1


def golden_rows(
    contract: Contract, session: onnxruntime.InferenceSession, held_out: NDArray[np.float32]
) -> list[dict[str, Any]]:
    """Synthetic applications with their probability, score and decision."""
    X, golden = _synthetic(contract, held_out)
    probability, log_odds = run_rows(session, X, ["probability", "log_odds"])
    states = _unlearned(contract, session, X)
    return [
        {**row, "answer": _answered(contract, _answer(contract, float(p), float(z), found), found)}
        for row, [p], [z], found in zip(golden, probability, log_odds, states, strict=True)
    ]


def golden_recommendations(
    contract: Contract, session: onnxruntime.InferenceSession, held_out: NDArray[np.float32]
) -> list[dict[str, Any]]:
    """Synthetic customers with their recommendations; every other one holds the likeliest."""
    X, golden = _synthetic(contract, held_out)
    [probabilities] = run_rows(session, X, ["probabilities"])
    states = _unlearned(contract, session, X)
    pairs = zip(golden, probabilities.tolist(), states, strict=True)
    for number, (row, values, unlearned) in enumerate(pairs):
        likeliest = contract.recommend(values)[0][0].name
        held = row["application"][HELD] = [likeliest] if number % 2 else []
        answer = {
            "recommendations": [
                {"product": label.name, "probability": round(probability, 6)}
                for label, probability in contract.recommend(values, held)
            ]
        }
        row["answer"] = _answered(contract, answer, unlearned)
    return golden


def _unlearned(
    contract: Contract, session: onnxruntime.InferenceSession, X: NDArray[np.float32]
) -> list[list[State]]:
    """The unlearned states of each row."""
    return [
        [state for state, flag in zip(contract.unlearned, flags, strict=True) if flag]
        for flags in run_unlearned(session, X)
    ]


def _answered(
    contract: Contract, answer: dict[str, Any], unlearned: Sequence[State]
) -> dict[str, Any]:
    """The answer, with the features in unlearned states; or the refusal of such states."""
    if not unlearned:
        return answer
    if contract.unlearned_rule == "refuse":
        return refusal(unlearned).to_json()
    return {**answer, "unlearned": [state.feature for state in unlearned]}


def _synthetic(
    contract: Contract, held_out: NDArray[np.float32]
) -> tuple[NDArray[np.float32], list[dict[str, Any]]]:
    """Rows, encoded and as clients send them.

    In some, each value is drawn from another held-out row; the others visit every state.
    """
    rng = np.random.default_rng(SEED)
    drawn = np.column_stack([rng.choice(column, COUNT) for column in held_out.T])
    X = np.concatenate([drawn, visiting_rows(contract, held_out)])
    return X, [
        {
            "application": _decoded(contract, row, online=False),
            "history": _decoded(contract, row, online=True),
        }
        for row in X
    ]


def _decoded(contract: Contract, row: NDArray[np.float32], *, online: bool) -> dict[str, Any]:
    return {
        feature.name: decode(feature, float(value), str(value))
        for feature, value in zip(contract.features, row, strict=True)
        if feature.online == online
    }


def decode(feature: Feature, value: float, text: str) -> Any:
    """The JSON value that encodes to `value`; `text` is its shortest float32 decimal.

    Float32 rounds large numbers, so special codes and ends of the range are given as defined.
    """
    if isnan(value):
        return None
    if feature.type == "category":
        return feature.categories[int(value)] if value >= 0 else "unseen"
    if feature.type == "boolean":
        return bool(value)
    for code in feature.specials:
        if value == float(np.float32(code)):
            return _number(code)
    low, high = feature.range
    return _number(min(max(float(text), low), high))


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _answer(
    contract: Contract, probability: float, log_odds: float, unlearned: Sequence[State]
) -> dict[str, Any]:
    score = contract.score_scale.score(log_odds)
    return {
        "probability_of_default": round(probability, 6),
        "score": score,
        "decision": contract.decide(score, unlearned=bool(unlearned)),
    }
