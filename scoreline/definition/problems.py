"""Broken rules of a definition, collected so that all of them are reported at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import AfterValidator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    # Key relative to the table that is checked ("" is the table itself), and the rule.
    type Problem = tuple[str, str]


class BrokenRulesError(ValueError):
    """Rules that a table breaks; pydantic adds the table's place in the definition."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(": ".join(filter(None, problem)) for problem in problems))
        self.problems = problems


def refuse_problems(problems: Iterable[Problem]) -> None:
    """Raise a BrokenRulesError if there are any."""
    found = list(problems)
    if found:
        raise BrokenRulesError(found)


def checked_by[T](check: Callable[[T], Iterable[Problem]]) -> AfterValidator:
    """A validator that keeps the value and raises every rule that `check` finds broken."""

    def validate(value: T) -> T:
        refuse_problems(check(value))
        return value

    return AfterValidator(validate)
