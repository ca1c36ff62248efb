"""Approvals and expected profit by cutoff, in the terms of the definition's `[economics]`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from training.data.sampling import evenly_spaced
from training.evaluate.outcomes import Outcomes
from training.evaluate.profit import profit_curve, profit_of
from training.report.figures.rounding import rounded

if TYPE_CHECKING:
    from scoreline.definition.model import DefaultDefinition
    from training.evaluate.profit import ProfitCurve
    from training.report.figures.scored_rows import ScoredRows

POINTS = 200


def profit_by_cutoff(definition: DefaultDefinition, held_out: ScoredRows) -> dict[str, Any] | None:
    """The curve at up to 200 cutoffs, the best of all cutoffs, and the definition's decisions.

    None without `[economics]`, and where all rows are referred for an unlearned state. The figures
    are those of the population, in which the classes have the shares that
    `calibration.default_rate` says, where it is given.
    """
    value, default_rate = held_out.rows.value, held_out.default_rate
    if definition.economics is None or value is None or not held_out.may_be_approved.any():
        return None
    outcomes = Outcomes.of(held_out.y, value, held_out.rows.weight, default_rate)
    curve = profit_curve(held_out.scores, outcomes, ~held_out.may_be_approved)
    return rounded(
        {
            "currency": definition.economics.currency,
            "default_rate": default_rate,
            "decisions": [
                {
                    "decision": band.decision,
                    "min_score": band.min_score,
                    **asdict(profit_of(held_out.decisions == band.decision, outcomes)),
                }
                for band in held_out.contract.bands
            ],
            "referred": _referred(held_out, outcomes),
            "best": {
                "min_score": int(curve.cutoff[curve.best]),
                **asdict(curve.approvals(curve.best)),
            },
            "curve": _points(curve),
        }
    )


def _referred(held_out: ScoredRows, outcomes: Outcomes) -> dict[str, Any] | None:
    """The rows that are referred for an unlearned state, where no band refers."""
    referred = held_out.decisions == "refer"
    if not referred.any() or any(band.decision == "refer" for band in held_out.contract.bands):
        return None
    return asdict(profit_of(referred, outcomes))


def _points(curve: ProfitCurve) -> dict[str, list[float]]:
    """The curve from the first cutoff that approves somebody, without withheld intervals."""
    chosen = 1 + evenly_spaced(len(curve.cutoff) - 1, POINTS)
    places = [curve.approvals(position) for position in chosen.tolist()]
    return {
        "score": curve.cutoff[chosen].tolist(),
        "approved": curve.approved[chosen].tolist(),
        "bad_rate": curve.bad_rate[chosen].tolist(),
        "profit": curve.profit[chosen].tolist(),
        "low": [place.profit.low for place in places],
        "high": [place.profit.high for place in places],
    }
