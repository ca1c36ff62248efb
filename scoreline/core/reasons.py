"""Reason codes: what cost an applicant the most points against the reference."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

from scoreline.core.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scoreline.core.contract import Contract, Reason

# Contributions closer than this are equal: float32 tells them no further apart.
TIE = 1e-6


@record
class Explained:
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
        position = {source.name: i for i, source in enumerate(contract.sources)}
        self._families = [
            (reason, [(position[name], name) for name in reason.features])
            for reason in contract.reasons
        ]
        self._directions = [source.monotone for source in contract.sources]

    def find(self, explained: Explained, languages: Sequence[str] = ()) -> list[dict[str, Any]]:
        """The principal reasons, the largest loss first; equal losses in the catalogue's order.

        Parameters
        ----------
        languages : wanted languages of the texts, the best first; the catalogue's first otherwise
        """
        losses = self._losses(explained)
        found = []
        for reason, members in self._families:
            loss = sum(losses[i] for i, _ in members)
            if loss > TIE:
                found.append((loss, reason, max(members, key=lambda member: losses[member[0]])))
        found.sort(key=lambda item: -round(item[0] / TIE))
        per_unit = -self._factor * self._slope(explained)
        principal = [item for item in found if round(per_unit * item[0])] or found[:1]
        return [
            {
                "code": reason.code,
                "feature": name,
                "points": round(per_unit * loss),
                "text": _text(reason, self._is_missing(explained, i), languages),
                "kind": "held_back" if explained.approved else "adverse",
            }
            for loss, reason, (i, name) in _limited(principal, self._limit)
        ]

    def _losses(self, explained: Explained) -> list[float]:
        """Contribution of every source above the one that it is compared with."""
        reference = self._reference
        compared = reference.best if explained.approved else reference.contributions
        return [
            0.0 if value > mean and self._on_better_side(explained, i) else value - mean
            for i, (value, mean) in enumerate(zip(explained.contributions, compared, strict=True))
        ]

    def _on_better_side(self, explained: Explained, i: int) -> bool:
        """Whether a monotone feature's amount is better than the reference's, so no reason."""
        direction, typical, value = (
            self._directions[i],
            self._reference.values[i],
            explained.values[i],
        )
        if direction is None or typical is None or isnan(value):
            return False
        return value < typical if direction == "increasing" else value > typical

    def _is_missing(self, explained: Explained, i: int) -> bool:
        given = explained.row if i < len(explained.row) else explained.values
        return isnan(given[i])

    def _slope(self, explained: Explained) -> float:
        """Log-odds per unit of margin between the reference and this applicant."""
        distance = explained.margin - self._reference.margin
        if abs(distance) < TIE:
            return self._reference.slope
        return (explained.log_odds - self._reference.log_odds) / distance


def _limited[T: tuple[float, Reason, Any]](found: list[T], limit: int) -> list[T]:
    """The first `limit` reasons, and one about inquiries beyond them."""
    inquiries = [item for item in found[limit:] if item[1].inquiries]
    return found[:limit] + inquiries[:1]


def _text(reason: Reason, missing: bool, languages: Sequence[str]) -> str:
    texts: Mapping[str, str] = (reason.missing if missing else None) or reason.text
    language = next((wanted for wanted in languages if wanted in texts), next(iter(texts)))
    return texts[language]
