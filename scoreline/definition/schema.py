"""The JSON Schema of a definition, from which an editor completes the TOML file.

Descriptions are those of the docstrings: the summary of each class, and its Attributes section.
"""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from scoreline.definition.files import DEFINITION
from scoreline.definition.model import DIGEST_KEYS, Definition

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "Definition of a Scoreline model"
_SECTION = re.compile(r"\n\n([A-Z]\w+)\n-+\n")
_ATTRIBUTE = re.compile(r"^(\w+(?:, \w+)*) : (.*(?:\n    .*)*)", re.MULTILINE)


def definition_schema() -> dict[str, Any]:
    """JSON Schema of a definition as a TOML parser reads it, of either task."""
    schema = DEFINITION.json_schema(schema_generator=_DescribedSchema)
    return {"$schema": DIALECT, "title": TITLE, **schema}


class _DescribedSchema(GenerateJsonSchema):
    """Adds descriptions, and leaves out what TOML cannot say and titles that repeat the key."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        return _described(super().model_schema(schema), schema["cls"])

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        return _described(super().dataclass_schema(schema), schema["cls"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        described = super().default_schema(schema)
        if described.get("default", ...) in (None, "", [], {}):
            del described["default"]
        return described

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _described(schema: JsonSchemaValue, cls: type) -> JsonSchemaValue:
    keys, descriptions = schema["properties"], attributes(cls)
    names = [name for name in DIGEST_KEYS if name in keys] if issubclass(cls, Definition) else keys
    properties = {name: {"description": descriptions[name], **keys[name]} for name in names}
    return {**schema, "description": summary(cls), "properties": properties}


def summary(cls: type) -> str:
    """A class's docstring before its first section."""
    return _SECTION.split(cleandoc(cls.__doc__ or ""))[0].replace("\n", " ")


def attributes(cls: type) -> dict[str, str]:
    """Attribute -> description in the docstrings of a class and of those that it extends."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        _, *sections = _SECTION.split(cleandoc(base.__doc__ or ""))
        text = dict(zip(sections[::2], sections[1::2], strict=True)).get("Attributes", "")
        for names, description in _ATTRIBUTE.findall(text):
            words = " ".join(description.split())
            found |= dict.fromkeys(names.split(", "), words)
    return found
