"""Answers of a model of the probability of default: score, decision and reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from scoreline.core.reasons import Explained, ReasonFinder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scoreline.api.scoring_answers import CreditDecision, Reason
    from scoreline.core.contract import Contract


class DecisionAnswers:
    """Answers for the task `default`."""

    outputs: ClassVar[tuple[str, ...]] = (
        "probability",
        "log_odds",
        "margin",
        "contributions",
        "values",
    )

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._reasons = ReasonFinder(contract)

    def answer(
        self,
        _application: Mapping[str, Any],
        row: Sequence[float],
        outputs: Sequence[Sequence[float]],
        languages: Sequence[str],
        *,
        unlearned: bool = False,
    ) -> CreditDecision:
        """The answer to one application, of whose row these are the graph's outputs."""
        [probability], [log_odds], [margin], contributions, values = outputs
        contract = self._contract
        score = contract.score_scale.score(log_odds)
        by_score = contract.decide(score)  # reasons explain the score, whatever is unlearned
        explained = Explained(row, values, contributions, margin, log_odds, by_score == "approve")
        return {
            "probability_of_default": round(probability, 6),
            "probabilities": {
                "low_risk": round(1 - probability, 6),
                "high_risk": round(probability, 6),
            },
            "score": score,
            "risk_score": round(100 * probability, 2),
            "risk_level": contract.risk_level(probability),
            "decision": contract.decide(score, unlearned=True) if unlearned else by_score,
            "reasons": cast("list[Reason]", self._reasons.find(explained, languages)),
        }
