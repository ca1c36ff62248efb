"""JSON Schema of bodies, from their tables of fields, and of answers, from their types."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from scoreline.api.fields import Field, Table

Schema = dict[str, Any]

PRIMITIVES: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    Any: {},
}


def ref(name: str) -> Schema:
    """A schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def schema_of_table(table: Table, **replaced: Schema) -> Schema:
    """The schema of a request's body.

    Parameters
    ----------
    replaced : field -> a schema in place of the table's own, such as a model's application
    """
    fields = {**table.required, **table.optional}
    schema: Schema = {
        "type": "object",
        "properties": {
            name: replaced.get(name) or schema_of_field(field) for name, field in fields.items()
        },
        "required": list(table.required),
        "additionalProperties": table.open,
    }
    relations = _relations(table)
    return {**schema, "allOf": relations} if relations else schema


def schema_of_field(field: Field | Table) -> Schema:
    """The schema of a field's value; without a description of its own, the rule describes it."""
    if isinstance(field, Table):
        return schema_of_table(field)
    return {"description": field.rule, **field.schema}


def _relations(table: Table) -> list[Schema]:
    """The rules between fields, each in a schema of its own.

    Generators of clients ignore the properties of a schema that itself has a `oneOf`.
    """
    schemas: list[Schema] = []
    if table.exactly_one:
        schemas.append({"oneOf": [{"required": [name]} for name in table.exactly_one]})
    if table.at_most_one:
        schemas.append({"not": {"required": list(table.at_most_one)}})
    for flag, needed in table.needs.items():
        is_set = {"properties": {flag: {"const": True}}, "required": [flag]}
        schemas.append({"if": is_set, "then": {"required": [needed]}})
    return schemas


class TypeSchemas:
    """Schemas of types; each TypedDict becomes a component that others refer to."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, kind: Any) -> Schema:
        """The schema of a type."""
        origin, arguments = get_origin(kind), get_args(kind)
        if is_typeddict(kind):
            self.component(kind)
            return ref(kind.__name__)
        if origin is Annotated:
            return {**self.of(arguments[0]), **arguments[1]}
        if origin is NotRequired:
            return self.of(arguments[0])
        if origin is Literal:
            return {"type": "string", "enum": list(arguments)}
        if origin in (Union, UnionType):
            return {"anyOf": [self.of(argument) for argument in arguments]}
        if origin is list:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        return dict(PRIMITIVES[kind])

    def component(self, kind: Any) -> Schema:
        """The component of a TypedDict."""
        name = kind.__name__
        if name not in self.components:
            self.components[name] = {}  # a type may contain itself
            hints = get_type_hints(kind, include_extras=True)
            self.components[name] = {
                "type": "object",
                "description": kind.__doc__,
                "properties": {field: self.of(hint) for field, hint in hints.items()},
                "required": [f for f, hint in hints.items() if get_origin(hint) is not NotRequired],
            }
        return self.components[name]
