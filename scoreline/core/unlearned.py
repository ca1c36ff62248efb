"""The refusal of applications with states that a model has not learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scoreline.core.errors import FieldError, InvalidApplicationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scoreline.core.contract import State


def unlearned_rule(state: State) -> str:
    """The rule that an application with an unlearned state breaks, where the model refuses it."""
    return f"is in a state that the model has not learned: {state.state}"


def refusal(unlearned: Sequence[State]) -> InvalidApplicationError:
    """The error of an application with unlearned states, for a model that refuses them."""
    fields = tuple(FieldError(state.feature, unlearned_rule(state)) for state in unlearned)
    return InvalidApplicationError("the model has not learned a state of the application", fields)
