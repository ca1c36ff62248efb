"""Definitions derived from another one: with fewer features, or with another algorithm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scoreline.definition.expression import parse_expression
from scoreline.definition.files import parse_definition
from scoreline.definition.rules import check_directions

if TYPE_CHECKING:
    from collections.abc import Collection

    from scoreline.definition.model import Definition


def without_history[D: Definition](definition: D) -> D:
    """The same definition for the application alone: no online features."""
    return without(definition, {feature.name for feature in definition.features if feature.online})


def without[D: Definition](definition: D, names: Collection[str]) -> D:
    """The same definition without some features and without all that is derived from them."""
    gone = set(names)
    for derived in definition.derived:
        if gone & parse_expression(derived.expression).names:
            gone.add(derived.name)
    dumped = definition.model_dump()
    for key in ("features", "derived"):
        dumped[key] = [source for source in dumped[key] if source["name"] not in gone]
    if not any(feature["online"] for feature in dumped["features"]):
        dumped["pipeline"] = ""
    if "segments" in dumped["report"]:
        segments = dumped["report"]["segments"]
        dumped["report"]["segments"] = [name for name in segments if name not in gone]
    dumped.pop("reasons", None)  # a catalogue has to name every feature
    return _parsed(definition, f"part of {definition.name}", dumped)


def with_algorithm[D: Definition](definition: D, name: str) -> D:
    """The same definition with another algorithm and its default parameters.

    Raises
    ------
    DefinitionError
        The algorithm is unknown or cannot hold a monotone direction of the definition.
    """
    changed = {**definition.model_dump(), "algorithm": {"name": name}}
    return _parsed(definition, f"{definition.name} with {name}", changed)


def fits(definition: Definition, algorithm: str) -> bool:
    """Whether an algorithm holds the monotone directions of a definition."""
    return not list(check_directions(algorithm, definition.sources))


def _parsed[D: Definition](original: D, file: str, raw: dict[str, Any]) -> D:
    """A checked definition of the same task as the original."""
    definition = parse_definition(file, raw)
    assert isinstance(definition, type(original))  # noqa: S101 - the task does not change
    return definition
