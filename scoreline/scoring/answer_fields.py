"""Further fields of an answer, under the names that a model's clients know."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scoreline.core.contract import Constant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scoreline.core.contract import Figure

    type Answer = Mapping[str, Any]


def _predicted_default(answer: Answer) -> int:
    """1 where a default is at least as likely as not."""
    return int(answer["probability_of_default"] >= 0.5)


def _recommended_products(answer: Answer) -> str:
    return " ".join(item["product"] for item in answer["recommendations"])


def _answered_at(_answer: Answer) -> str:
    """The time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


# Figures that answers do not have under their own name.
COMPUTED: dict[str, Callable[[Answer], Any]] = {
    "predicted_default": _predicted_default,
    "recommended_products": _recommended_products,
    "answered_at": _answered_at,
}


def answer_fields(named: Mapping[str, Figure | Constant], answer: Answer) -> dict[str, Any]:
    """The fields of a contract's `answer`, whose figures are taken from an answer."""
    return {name: _value(given, answer) for name, given in named.items()}


def _value(given: Figure | Constant, answer: Answer) -> Any:
    if isinstance(given, Constant):
        return given.constant
    return COMPUTED[given](answer) if given in COMPUTED else answer[given]
