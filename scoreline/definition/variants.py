"""Definitions derived from another one, with another algorithm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scoreline.definition.files import parse_definition
from scoreline.definition.rules import check_directions

if TYPE_CHECKING:
    from scoreline.definition.model import Definition


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
