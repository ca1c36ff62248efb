"""Golden rows: applications with their answers, which a version must reproduce to be promoted."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from training.parity import run

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

    from functions.shared.contract import Contract, Feature

COUNT = 12
SEED = 1


def golden_rows(
    contract: Contract, session: onnxruntime.InferenceSession, held_out: NDArray[np.float32]
) -> list[dict[str, Any]]:
    """Invented applications, each value drawn from another held-out row, and their answers."""
    rng = np.random.default_rng(SEED)
    X = np.column_stack([rng.choice(column, COUNT) for column in held_out.T])
    probability, margin = run(session, X, ["probability", "margin"])
    return [
        {
            "application": {
                feature.name: decode(feature, float(value), str(value))
                for feature, value in zip(contract.features, row, strict=True)
            },
            "answer": _answer(contract, float(p), float(m)),
        }
        for row, [p], [m] in zip(X, probability, margin, strict=True)
    ]


def decode(feature: Feature, value: float, text: str) -> Any:
    """The JSON value that encodes to `value`; `text` is its shortest float32 decimal."""
    if isnan(value):
        return None
    if feature.type == "category":
        return feature.categories[int(value)] if value >= 0 else "unseen"
    if feature.type == "boolean":
        return bool(value)
    return int(value) if value == int(value) else float(text)


def _answer(contract: Contract, probability: float, margin: float) -> dict[str, Any]:
    score = contract.score_scale.score(margin)
    return {
        "probability_of_default": round(probability, 6),
        "score": score,
        "decision": contract.decide(score),
    }
