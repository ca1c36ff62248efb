"""A gate: a condition that a version has to meet before it may be promoted, and the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CANDIDATE, REJECTED = "candidate", "rejected"


@dataclass(frozen=True, slots=True)
class Gate:
    """The result of one gate.

    Attributes
    ----------
    passed : None where the gate does not apply; the sentence says why
    value, threshold : the figure found and the limit, where they are numbers
    """

    gate: str
    passed: bool | None
    sentence: str
    value: float | None = None
    threshold: float | None = None


def status_of(gates: Iterable[Gate]) -> str:
    """`rejected` if any gate failed, otherwise `candidate`."""
    return REJECTED if any(gate.passed is False for gate in gates) else CANDIDATE
