"""Golden rows: applications with answers that a version must reproduce to be promoted."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.core.contract import HELD
from scoreline.scoring.many_rows import run_rows

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

    from scoreline.core.contract import Contract
    from scoreline.core.features import Feature

COUNT = 12
SEED = 1


def golden_rows(
    contract: Contract, session: onnxruntime.InferenceSession, held_out: NDArray[np.float32]
) -> list[dict[str, Any]]:
    """Synthetic applications with their probability, score and decision."""
    X, golden = _synthetic(contract, held_out)
    probability, log_odds = run_rows(session, X, ["probability", "log_odds"])
    return [
        {**row, "answer": _answer(contract, float(p), float(z))}
        for row, [p], [z] in zip(golden, probability, log_odds, strict=True)
    ]


def golden_recommendations(
    contract: Contract, session: onnxruntime.InferenceSession, held_out: NDArray[np.float32]
) -> list[dict[str, Any]]:
    """Synthetic customers with their recommendations; every other one holds the likeliest."""
    X, golden = _synthetic(contract, held_out)
    [probabilities] = run_rows(session, X, ["probabilities"])
    for number, (row, values) in enumerate(zip(golden, probabilities.tolist(), strict=True)):
        likeliest = contract.recommend(values)[0][0].name
        held = row["application"][HELD] = [likeliest] if number % 2 else []
        row["answer"] = {
            "recommendations": [
                {"product": label.name, "probability": round(probability, 6)}
                for label, probability in contract.recommend(values, held)
            ]
        }
    return golden


def _synthetic(
    contract: Contract, held_out: NDArray[np.float32]
) -> tuple[NDArray[np.float32], list[dict[str, Any]]]:
    """Rows with each value drawn from another held-out row, encoded and as clients send them."""
    rng = np.random.default_rng(SEED)
    X = np.column_stack([rng.choice(column, COUNT) for column in held_out.T])
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


def _answer(contract: Contract, probability: float, log_odds: float) -> dict[str, Any]:
    score = contract.score_scale.score(log_odds)
    return {
        "probability_of_default": round(probability, 6),
        "score": score,
        "decision": contract.decide(score),
    }
