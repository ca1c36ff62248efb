"""The OpenAPI document of a deployment: its routes, and a path for each operation on a model."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Any

from scoreline import __version__
from scoreline.api.fields import Table
from scoreline.api.json_schema import (
    Schema,
    TypeSchemas,
    ref,
    schema_of_field,
    schema_of_table,
)
from scoreline.api.routes import JSON, ROUTES
from scoreline.api.scoring_answers import ErrorAnswer
from scoreline.api.scoring_requests import APPLICATIONS, BANK
from scoreline.api.values import Model, Version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scoreline.api.promoted_model import PromotedModel
    from scoreline.api.routes import Route

DESCRIPTION = (
    "Credit scoring. A deployment asks scoring clients for an API key and operations for an AWS "
    "signature; the local stack asks nobody."
)
SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "api-key": [{"ApiKey": []}],
    "iam": [{"Iam": []}],
    "open": [],
}
SECURITY_SCHEMES = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "Iam": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "AWS Signature Version 4",
    },
}
PARAMETERS = {"model": Model, "version": Version, "job": str}
BANKED = {
    "BankedApplication": Table({"bank": BANK}, open=True),
    "BankedBatch": Table({"bank": BANK, "applications": APPLICATIONS}),
}


def openapi_document(
    models: Mapping[str, PromotedModel] | None = None, default: str | None = None
) -> Schema:
    """OpenAPI 3.1 of the routes and of the promoted models.

    Parameters
    ----------
    models : by name
    default : name of the model that answers where a request names none
    """
    models = models or {}
    types = TypeSchemas()
    bodies = {name: schema_of_table(table) for name, table in BANKED.items()}
    for route in ROUTES.values():
        if route.body is not None:
            bodies[_request_name(route)] = schema_of_table(route.body)
    for model in models.values():
        bodies |= model.components(types)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Scoreline", "version": __version__, "description": DESCRIPTION},
        "servers": [{"url": "."}],  # behind the stage that the document's own address names
        "paths": _paths(types, models, default),
        "components": {
            "schemas": {**types.components, **bodies},
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _paths(
    types: TypeSchemas, models: Mapping[str, PromotedModel], default: str | None
) -> dict[str, dict[str, Schema]]:
    paths: dict[str, dict[str, Schema]] = {}
    for (method, path), route in ROUTES.items():
        operation = _operation(types, path, route)
        if route.body is not None:
            schema = _default_body(route.name, models.get(default or ""))
            operation["requestBody"] = _body(schema or ref(_request_name(route)))
        paths.setdefault(path, {})[method.lower()] = operation
    for model in models.values():
        for own in model.operations(types):
            route = ROUTES["POST", own.path.replace(f"/{model.name}/", "/{model}/")]
            paths[own.path] = {
                "post": {
                    **_operation(types, own.path, route, own.answer),
                    "operationId": own.name,
                    "tags": [model.name],
                    "requestBody": _body(own.body, own.example),
                }
            }
    return paths


def _default_body(route: str, default: PromotedModel | None) -> Schema | None:
    """The body of a route that names no model, if the default model is known."""
    if default is None or route not in ("predict", "predict_batch"):
        return None
    if route == "predict":
        return {"anyOf": [default.scored_ref, ref("BankedApplication")]}
    return {"anyOf": [default.batch_ref, ref("BankedBatch")]}


def _operation(types: TypeSchemas, path: str, route: Route, answer: Schema | None = None) -> Schema:
    names = [name for _, name, _, _ in Formatter().parse(path) if name]
    headers = route.headers.optional if route.headers else {}
    return {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.function],
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": types.of(PARAMETERS[name])}
                for name in names
            ),
            *(
                {"name": name.title(), "in": "header", "schema": schema_of_field(field)}
                for name, field in headers.items()
            ),
        ],
        "responses": _responses(types, route, answer or types.of(route.answer)),
        "security": SECURITY[route.auth],
    }


def _responses(types: TypeSchemas, route: Route, answer: Schema) -> Schema:
    responses = {str(route.status): _response("Success", answer, route.content_type)}
    if route.unavailable is not None:
        responses["503"] = _response("Unavailable", types.of(route.unavailable))
    return {**responses, "default": _response("Error", types.of(ErrorAnswer))}


def _response(description: str, schema: Schema, content_type: str = JSON) -> Schema:
    return {"description": description, "content": {content_type: {"schema": schema}}}


def _body(schema: Schema, example: Any = None) -> Schema:
    content = {"schema": schema} if example is None else {"schema": schema, "example": example}
    return {"required": True, "content": {JSON: content}}


def _request_name(route: Route) -> str:
    return "".join(word.capitalize() for word in route.name.split("_")) + "Request"
