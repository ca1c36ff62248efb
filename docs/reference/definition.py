"""The page of the definition's keys, made from the model that checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.reference.markdown import (
    Schema,
    code,
    default_of,
    references,
    table,
    type_of,
    variants,
)
from scoreline.definition.schema import definition_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HEAD = """# Definition reference

Every key of a model's definition, `models/NAME.toml`: its type, its default and what it means. A
key that is not listed is refused, and so is a value of another type; the message names file, key
and rule. [Define a model](../definition.md) says how to write a definition.
"""
COLUMNS = ("key", "type", "default", "meaning")


def page() -> str:
    """The whole page."""
    schema = definition_schema()
    definitions = schema["$defs"]
    [default, recommendation] = (definitions[name] for name in references(schema))
    own = [name for name in recommendation["properties"] if name not in default["properties"]]
    sections = [
        HEAD,
        _section("The task `default`", default),
        _section("The task `recommendation`", recommendation, [*own, "task", "algorithm"]),
    ]
    keys = {**recommendation["properties"], **default["properties"]}
    for key in dict.fromkeys([*default["properties"], *own]):
        sections += _sections_of(key, keys[key], definitions)
    return "\n".join(dict.fromkeys(sections))


def _sections_of(key: str, part: Schema, definitions: Mapping[str, Schema]) -> Iterator[str]:
    """Sections of the tables that a key holds, and of the tables within them."""
    names = list(references(part))
    title = f"`[[{key}]]`" if part.get("type") == "array" else f"`[{key}]`"
    if key == "algorithm":
        yield _algorithms(title, [definitions[name] for name in names])
        return
    if part.get("type") == "object":
        yield _table_of_names(title, part, definitions)
        return
    for name in names:
        kind = next(_constants(definitions[name]), "") if len(names) > 1 else ""
        yield _section(f"{title}{kind}", definitions[name])
        for inner, inner_part in definitions[name]["properties"].items():
            for reference in references(inner_part):
                yield _section(f"`{inner}` of {title}", definitions[reference])


def _table_of_names(title: str, part: Schema, definitions: Mapping[str, Schema]) -> str:
    """A table whose keys are names of the definition's own, with all that a value may be."""
    rows = [(type_of(one, lambda _: "table"), "") for one in variants(part["additionalProperties"])]
    for reference in references(part):
        described = definitions[reference]
        keys = ", ".join(f"`{name}`" for name in described["properties"])
        rows[-1] = (f"table with {keys}", described["description"])
    parts = [
        f"## {title}",
        f"{part['description'].capitalize()}.",
        table(("a value is", "meaning"), rows),
    ]
    return "\n\n".join(parts) + "\n"


def _constants(schema: Schema) -> Iterator[str]:
    for name, part in schema["properties"].items():
        if "const" in part:
            yield f", {name} {code(part['const'])}"


def _algorithms(title: str, schemas: Sequence[Schema]) -> str:
    parts = [f"## {title}", "`name` chooses the algorithm, `parameters` are those of its library."]
    for schema in schemas:
        properties = schema["properties"]
        parameters = ", ".join(_parameter(*item) for item in _parameters(properties).items())
        parts.append(f"### `{properties['name']['const']}`")
        parts += [schema["description"], f"Parameters: {parameters}."]
    return "\n\n".join(parts) + "\n"


def _parameters(properties: Mapping[str, Schema]) -> Mapping[str, Schema]:
    found: Mapping[str, Schema] = properties["parameters"].get("properties", {})
    return found


def _parameter(name: str, schema: Schema) -> str:
    default = schema.get("default")
    return f"`{name}`" if default is None else f"`{name} = {code(default).strip('`')}`"


def _section(heading: str, schema: Schema, names: Sequence[str] | None = None) -> str:
    required = schema.get("required", ())
    rows = [
        (
            f"`{name}`",
            type_of(part, lambda _: "table"),
            default_of(name, part, required),
            part["description"],
        )
        for name, part in schema["properties"].items()
        if names is None or name in names
    ]
    parts = [f"## {heading}", schema["description"], table(COLUMNS, rows)]
    return "\n\n".join(part for part in parts if part) + "\n"
