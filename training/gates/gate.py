"""A gate: what a version must keep before it may be promoted, and whether it does."""

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
    value, threshold : what was found and what was asked for, where they are numbers
    """

    gate: str
    passed: bool | None
    sentence: str
    value: float | None = None
    threshold: float | None = None


def status_of(gates: Iterable[Gate]) -> str:
    """`rejected` where a gate has not been passed, or else `candidate`."""
    return REJECTED if any(gate.passed is False for gate in gates) else CANDIDATE
