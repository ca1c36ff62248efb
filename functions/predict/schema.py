"""The contract as JSON Schema, for clients, the OpenAPI document and Swagger UI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from functions.predict.application import MAX_ID_LENGTH

if TYPE_CHECKING:
    from functions.shared.contract import Contract, Feature

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def application_schema(contract: Contract) -> dict[str, Any]:
    """JSON Schema (2020-12) of one application; it accepts what the encoder accepts."""
    return {
        "$schema": DIALECT,
        "title": f"Application for {contract.model}",
        "description": contract.description,
        "type": "object",
        "properties": {
            "id": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_ID_LENGTH,
                "description": "Identifier that the answer repeats; made up where it is absent",
            },
            **{feature.name: _property(feature) for feature in contract.features},
        },
        "required": [f.name for f in contract.features if not f.nullable],
        "additionalProperties": False,
    }


def _property(feature: Feature) -> dict[str, Any]:
    schema = _value(feature)
    if feature.specials:
        schema = {"anyOf": [schema, {"enum": list(feature.specials)}]}
    if feature.nullable:
        schema = {"anyOf": [schema, {"type": "null"}]}
    text = ", ".join(part for part in (feature.description, feature.unit) if part)
    return {**schema, "description": text} if text else schema


def _value(feature: Feature) -> dict[str, Any]:
    if feature.type == "category":
        listed = feature.unseen == "refuse"
        return {"enum": list(feature.categories)} if listed else {"type": "string", "minLength": 1}
    if feature.type == "boolean":
        return {"type": "boolean"}
    low, high = feature.range
    return {"type": feature.type, "minimum": low, "maximum": high}
