"""Reason codes: the features that cost an applicant the most points against the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.shared.contract import Contract

# Regulation B, official interpretation of 12 CFR 1002.9(b)(2): more than four reasons is unlikely
# to help the applicant.
MAX_REASONS = 4


class ReasonFinder:
    """Finds the principal reasons in the contributions of a row."""

    def __init__(self, contract: Contract) -> None:
        self._factor = contract.score_scale.factor
        self._sources = [
            (
                f"R{number:02d}",
                source.name,
                source.reason or source.name,
                mean,
            )
            for number, (source, mean) in enumerate(
                zip(contract.sources, contract.reference, strict=True), start=1
            )
        ]

    def find(self, contributions: Sequence[float]) -> list[dict[str, Any]]:
        """At most four features with points lost against the reference, the largest loss first.

        Parameters
        ----------
        contributions : contribution to the margin of every source, in the contract's order;
            ties keep that order.
        """
        lost = [
            (round(-self._factor * (value - mean)), code, name, text)
            for value, (code, name, text, mean) in zip(contributions, self._sources, strict=True)
        ]
        lost = sorted((item for item in lost if item[0] < 0), key=lambda item: item[0])
        return [
            {"code": code, "feature": name, "points": points, "text": text}
            for points, code, name, text in lost[:MAX_REASONS]
        ]
