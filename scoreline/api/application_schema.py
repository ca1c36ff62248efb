"""The contract as JSON Schema, for clients, the OpenAPI document and Swagger UI."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from scoreline.api.fields import IDENTIFIER
from scoreline.api.scoring_requests import CUSTOMER_ID
from scoreline.core.categories import CategoryCodes
from scoreline.core.contract import HELD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scoreline.api.json_schema import Schema
    from scoreline.core.contract import Constant, Contract, Figure
    from scoreline.core.features import Feature

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def application_schema(contract: Contract) -> Schema:
    """JSON Schema (2020-12) of an application; it accepts what the encoder accepts.

    If the model has online features, it is the schema of a customer and an application. `x-task` is
    the task of the model, and `x-answer` names the further fields of its answers.
    """
    application = _application(contract)
    return {
        "$schema": DIALECT,
        "title": f"Application for {contract.model}",
        "description": contract.description,
        "x-task": contract.task,
        "x-answer": {name: _figure(given) for name, given in contract.answer.items()},
        **(_with_customer(application) if contract.pipeline else application),
    }


def _figure(given: Figure | Constant) -> str | Schema:
    return given if isinstance(given, str) else {"constant": given.constant}


def _with_customer(application: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {
            "customer_id": dict(CUSTOMER_ID.schema),
            "application": application,
        },
        "required": ["application"],
        "additionalProperties": False,
    }


def _application(contract: Contract) -> Schema:
    sent = [feature for feature in contract.features if not feature.online]
    schema: Schema = {
        "type": "object",
        "properties": {
            "id": {
                **IDENTIFIER.schema,
                "description": "Identifier that the answer repeats; made up where it is absent",
            },
            **{name: schema for feature in sent for name, schema in _properties(feature).items()},
            **_held(contract),
        },
        "required": [f.name for f in sent if not f.nullable and not f.aliases],
        "additionalProperties": False,
    }
    one_name = [rule for feature in contract.features for rule in _one_name(feature)]
    return {**schema, "allOf": one_name} if one_name else schema


def _properties(feature: Feature) -> Schema:
    """The feature under its own name and under its aliases."""
    own = _property(feature)
    alias = {**own, "description": f"Another name of {feature.name}", "deprecated": True}
    return {feature.name: own, **dict.fromkeys(feature.aliases, alias)}


def _one_name(feature: Feature) -> Iterator[Schema]:
    """A feature with aliases is sent under one of its names."""
    names = [{"required": [name]} for name in (feature.name, *feature.aliases)]
    if feature.aliases and not feature.nullable:
        yield {"oneOf": names}
    elif feature.aliases:
        yield {"not": {"anyOf": [{"allOf": list(pair)} for pair in combinations(names, 2)]}}


def _held(contract: Contract) -> Schema:
    if not contract.labels:
        return {}
    products = {
        "type": "array",
        "items": {"type": "string", "enum": [label.name for label in contract.labels]},
        "description": "Products that the customer holds, which are never recommended",
    }
    return {HELD: products}


def _property(feature: Feature) -> Schema:
    kinds = [_value(feature)]
    if feature.special_codes:
        kinds += _specials(feature.special_codes)
    if feature.nullable:
        kinds.append({"type": "null"})
    schema = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    spelling = "case and spaces do not matter" if feature.normalize else ""
    text = ", ".join(part for part in (feature.description, feature.unit, spelling) if part)
    return {**schema, "description": text} if text else schema


def _specials(codes: Mapping[str, float]) -> Iterator[Schema]:
    """Schemas of special codes: generators of clients support no list of other numbers."""
    whole = {name: int(code) for name, code in codes.items() if code == int(code)}
    if whole:
        yield {
            "type": "integer",
            "enum": list(whole.values()),
            "description": ", ".join(f"{code} {name}" for name, code in whole.items()),
            "x-enum-varnames": list(whole),
        }
    for name, code in codes.items():
        if name not in whole:
            yield {"type": "number", "minimum": code, "maximum": code, "description": name}


def _value(feature: Feature) -> Schema:
    if feature.type == "category":
        return _category(feature)
    if feature.type == "boolean":
        return {"type": "boolean"}
    low, high = feature.range
    return {"type": feature.type, "minimum": low, "maximum": high}


def _category(feature: Feature) -> Schema:
    """Values of a category; a normalised one takes any text, since no keyword folds case."""
    codes = CategoryCodes(feature)
    numbers = list(codes.numbers)
    if feature.unseen == "refuse" and not feature.normalize:
        listed = {"type": "string", "enum": list(codes.exact)}
        return {"anyOf": [listed, {"type": "integer", "enum": numbers}]} if numbers else listed
    text = {"type": "string", "minLength": 1, "examples": list(feature.categories)}
    if feature.normalize:
        text["pattern"] = r"\S"
    if not numbers:
        return text
    number = {"type": "integer"} if feature.unseen == "accept" else {"enum": numbers}
    return {"anyOf": [text, number]}
