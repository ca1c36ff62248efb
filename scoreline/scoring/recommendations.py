"""Answers of a recommendation model: the likeliest products that the customer does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from scoreline.core.contract import HELD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scoreline.api.scoring_answers import RecommendedProducts
    from scoreline.core.contract import Contract


class RecommendationAnswers:
    """Answers for the task `recommendation`."""

    outputs: ClassVar[tuple[str, ...]] = ("probabilities",)

    def __init__(self, contract: Contract) -> None:
        if not contract.labels or contract.top < 1:
            raise ValueError("the contract has no labels")
        self._contract = contract

    def answer(
        self,
        application: Mapping[str, Any],
        _row: Sequence[float],
        outputs: Sequence[Sequence[float]],
        _languages: Sequence[str],
        *,
        unlearned: bool = False,
    ) -> RecommendedProducts:
        """The likeliest products that the customer does not hold."""
        [probabilities] = outputs
        return {
            "recommendations": [
                {
                    "product": label.name,
                    "description": label.description,
                    "probability": round(probability, 6),
                }
                for label, probability in self._contract.recommend(
                    probabilities, application.get(HELD, ())
                )
            ]
        }
