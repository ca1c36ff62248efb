"""Reason codes: the features that cost an applicant the most points against the reference."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scoreline.core.contract import Contract, Reason

# Contributions closer than this count as equal: float32 cannot tell them apart.
TIE = 1e-6


class Explained(NamedTuple):
    """One scored row, as the graph returns it.

    Attributes
    ----------
    row : the encoded application, NaN where a value was not given
    values : amount of every source, NaN where it is missing or a special code
    contributions : of every source to the margin
    """

    row: Sequence[float]
    values: Sequence[float]
    contributions: Sequence[float]
    margin: float
    log_odds: float
    approved: bool


class ReasonFinder:
    """Finds the principal reasons of a row.

    An adverse reason is a contribution above the mean one of the reference group (Regulation B,
    12 CFR 1002.9(b)(2) and its comment 5). An approved applicant is compared with the best tenth
    instead, and the reason says that it held the score back.
    """

    def __init__(self, contract: Contract) -> None:
        if contract.reference is None:
            raise ValueError("the contract has no reference")
        self._reference = contract.reference
        self._factor = contract.score_scale.factor
        self._limit = contract.max_reasons
        self._sources = [source.name for source in contract.sources]
        self._families = [
            (reason, [self._sources.index(name) for name in reason.features])
            for reason in contract.reasons
        ]
        self._directed = [
            (i, typical, source.monotone == "increasing")
            for i, (source, typical) in enumerate(
                zip(contract.sources, self._reference.values, strict=True)
            )
            if source.monotone is not None and typical is not None
        ]

    def find(self, explained: Explained, languages: Sequence[str] = ()) -> list[dict[str, Any]]:
        """The principal reasons, the largest loss first; equal losses in the catalogue's order.

        Parameters
        ----------
        languages : wanted languages of the texts, the best first; the catalogue's first otherwise
        """
        losses = self._losses(explained)
        found: list[tuple[int, int, float]] = []
        for number, (_, members) in enumerate(self._families):
            # Members offset each other: a family is one reason, not the sum of its bad members.
            loss = sum([losses[i] for i in members])
            if loss > TIE:
                found.append((-round(loss / TIE), number, loss))
        found.sort()
        per_unit = -self._factor * self._slope(explained)
        # A reason that costs no whole point is left out, unless there is no other one.
        principal = [item for item in found if round(per_unit * item[2])] or found[:1]
        kind = "held_back" if explained.approved else "adverse"
        given = (*explained.row, *explained.values[len(explained.row) :])
        reasons = []
        for _, number, loss in self._limited(principal):
            reason, members = self._families[number]
            largest = max(members, key=losses.__getitem__)
            reasons.append(
                {
                    "code": reason.code,
                    "feature": self._sources[largest],
                    "points": round(per_unit * loss),
                    "text": _text(reason, isnan(given[largest]), languages),
                    "kind": kind,
                }
            )
        return reasons

    def _losses(self, explained: Explained) -> list[float]:
        """Each source's contribution less the one with which it is compared.

        A monotone feature whose amount is better than the reference's cannot be a reason.
        """
        reference, values = self._reference, explained.values
        compared = reference.best if explained.approved else reference.contributions
        losses = [
            value - mean for value, mean in zip(explained.contributions, compared, strict=True)
        ]
        for i, typical, increasing in self._directed:
            is_better = values[i] < typical if increasing else values[i] > typical
            if is_better and losses[i] > 0:
                losses[i] = 0.0
        return losses

    def _slope(self, explained: Explained) -> float:
        """Log-odds per unit of margin between the reference and this applicant."""
        # Calibration bends the margin, so points per unit of margin differ between applicants.
        distance = explained.margin - self._reference.margin
        if abs(distance) < TIE:
            return self._reference.slope
        return (explained.log_odds - self._reference.log_odds) / distance

    def _limited(self, found: list[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
        """The first `max_reasons`, and one about inquiries beyond them."""
        beyond = found[self._limit :]
        inquiries = [item for item in beyond if self._families[item[1]][0].inquiries]
        return found[: self._limit] + inquiries[:1]


def _text(reason: Reason, missing: bool, languages: Sequence[str]) -> str:
    texts = (reason.missing if missing else None) or reason.text
    for language in languages:
        if language in texts:
            return texts[language]
    return next(iter(texts.values()))
