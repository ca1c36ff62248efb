"""Turns pydantic's errors into lines of file, key and rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scoreline.definition.economics import NUMBER_OR_COLUMN
from scoreline.definition.model import DefaultDefinition, RecommendationDefinition
from scoreline.definition.problems import BrokenRulesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from scoreline.definition.problems import Problem

    type Location = tuple[int | str, ...]

UNREADABLE = "too deep, or a number is too long"
UNIONS = ("algorithm", "split")
_DEFAULT = DefaultDefinition.model_fields.keys()
_TIME_SPLIT = ("column", "from", "format", "outcome_window_days", "observed_at")
_RECOMMENDATION = RecommendationDefinition.model_fields.keys()
# Key -> the variant that has it, for keys that only one variant has.
ONLY_FOR: dict[Location, str] = {
    **{(key,): "the task default" for key in _DEFAULT - _RECOMMENDATION},
    **{(key,): "the task recommendation" for key in _RECOMMENDATION - _DEFAULT},
    ("report", "segments"): "the task default",
    **{("split", key): "the method time" for key in _TIME_SPLIT},
}


def explain(file: str, raw: dict[str, Any], error: ValidationError) -> str:
    """One line for each broken rule: file, key, rule."""
    lines: dict[str, None] = {}  # in order, each once
    for details in error.errors():
        location = _without_tags(details["loc"])
        place = ".".join(str(part) for part in _named(raw, location))
        for key, rule in _problems(details, location):
            full_key = ".".join(filter(None, (place, key)))
            lines[": ".join(filter(None, (file, full_key, rule)))] = None
    return "\n".join(lines)


def _problems(details: ErrorDetails, location: Location) -> Iterator[Problem]:
    """The problems behind one error, with keys relative to its location."""
    context = details.get("ctx", {})
    match details["type"]:
        case "value_error" if isinstance(context["error"], BrokenRulesError):
            yield from context["error"].problems
        case "union_tag_invalid":
            key = context["discriminator"].strip("'")
            yield key, f"must be one of: {context['expected_tags'].replace("'", '')}"
        case "union_tag_not_found":
            yield context["discriminator"].strip("'"), "is needed"
        case "json_invalid":  # a definition is read as JSON, which may be too deep
            yield "", UNREADABLE
        case "extra_forbidden" if location in ONLY_FOR:
            yield "", f"is for {ONLY_FOR[location]}"
        case "missing" if location in ONLY_FOR:
            yield "", f"is needed for {ONLY_FOR[location]}"
        case "missing":
            yield "", "is needed"
        case "extra_forbidden" | "unexpected_keyword_argument":
            yield "", "is not a known key"
        case "float_type" | "string_type" if location[:1] == ("economics",):
            yield "", "must be a text" if location[1:] == ("currency",) else NUMBER_OR_COLUMN
        case _ if location[:1] == ("answer",) and location[2:] == ("constant",):
            yield "", "must be a text, a finite number, true or false"
        case _ if location == ("split", "from"):
            yield "", "must be a date or a number"
        case _:
            yield "", details["msg"]


def _without_tags(location: Location) -> Location:
    """The location in the file: pydantic adds the variant's name behind each union."""
    _task, *parts = location or ("",)
    if len(parts) > 1 and parts[0] in UNIONS:
        del parts[1]
    if parts[:2] == ["split", "from"] or parts[:1] == ["economics"]:
        del parts[2:]  # a number or a text is a union too
    if len(parts) > 2 and parts[0] == "answer":
        del parts[2]
        del parts[3:]  # a constant's type is a union too
    return tuple(parts)


def _named(raw: Any, location: Location) -> Iterable[int | str]:
    """The location with a feature's name in place of its number."""
    for part in location:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            raw = None
        is_named = isinstance(part, int) and isinstance(raw, dict) and "name" in raw
        yield raw["name"] if is_named else part
