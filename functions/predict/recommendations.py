"""What a recommendation model answers: the likeliest products that the customer does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from functions.shared.contract import HELD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from functions.shared.contract import Contract


class Recommendations:
    """Answers for the task `recommendation`."""

    outputs: ClassVar[tuple[str, ...]] = ("probabilities",)

    def __init__(self, contract: Contract) -> None:
        if not contract.labels or contract.top < 1:
            raise ValueError("the contract has no labels")
        self._labels = contract.labels
        self._top = contract.top

    def answer(
        self,
        application: Mapping[str, Any],
        _row: Sequence[float],
        outputs: Sequence[Sequence[float]],
        _languages: Sequence[str],
    ) -> dict[str, Any]:
        """The products of the highest probability; equal ones in the contract's order."""
        [probabilities] = outputs
        held = frozenset(application.get(HELD, ()))
        ranked = sorted(
            (
                pair
                for pair in zip(self._labels, probabilities, strict=True)
                if pair[0].name not in held
            ),
            key=lambda pair: -pair[1],
        )
        return {
            "recommendations": [
                {
                    "product": label.name,
                    "description": label.description,
                    "probability": round(probability, 6),
                }
                for label, probability in ranked[: self._top]
            ]
        }
