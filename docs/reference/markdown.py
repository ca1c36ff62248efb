"""Tables and JSON Schemas as Markdown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

type Schema = dict[str, Any]

LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
SHOWN_DEFAULTS = (str, int, float, bool)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; bars in cells are escaped and line breaks become spaces."""
    names = list(head)
    lines = [names, ["---"] * len(names), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(value: object) -> str:
    """A value as inline code, written as in JSON."""
    return f"`{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}`"


def variants(schema: Schema) -> list[Schema]:
    """The alternatives of a schema, null left out."""
    given = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return [one for one in given if one.get("type") != "null"]


def references(schema: Schema) -> Iterator[str]:
    """Names of the schemas that a property refers to, directly or as items or values."""
    for one in variants(schema):
        if "$ref" in one:
            yield name_of(one)
        for part in ("items", "additionalProperties"):
            if isinstance(one.get(part), dict):
                yield from references(one[part])


def name_of(reference: Schema) -> str:
    """The name that a $ref ends in."""
    name: str = reference["$ref"].rpartition("/")[2]
    return name


def type_of(schema: Schema, link: Callable[[str], str]) -> str:
    """The values that a schema allows, in words.

    Parameters
    ----------
    link : Markdown for the name of a schema that is described elsewhere
    """
    return " or ".join(dict.fromkeys(_type_of(one, link) for one in variants(schema)))


def _type_of(schema: Schema, link: Callable[[str], str]) -> str:
    if "$ref" in schema:
        return link(name_of(schema))
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return " or ".join(code(value) for value in schema["enum"])
    kind = schema.get("type", "any value")
    if isinstance(kind, list):
        kind = " or ".join(kind)
    if kind == "array":
        return f"list of {_plural(type_of(schema.get('items', {}), link))}"
    if kind == "object" and isinstance(schema.get("additionalProperties") or None, dict):
        return f"table of names to {type_of(schema['additionalProperties'], link)}"
    limits = [f"{sign} {schema[key]:g}" for key, sign in LIMITS.items() if key in schema]
    return " ".join([kind, *([", ".join(limits)] if limits else [])])


def _plural(kinds: str) -> str:
    """Kinds of values, such as "string or integer", in the plural."""
    return " or ".join(f"{k}s" if k.isalpha() else k for k in kinds.split(" or "))


def default_of(name: str, schema: Schema, required: Iterable[str]) -> str:
    """The default of a property, or that it is required."""
    if name in required:
        return "required"
    default = schema.get("default")
    if isinstance(default, SHOWN_DEFAULTS):
        return code(default)
    return "none" if default is None else "as below"
