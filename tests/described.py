"""Holds the answers of handlers against the OpenAPI document of a deployment."""

import json
from functools import cache

from jsonschema import Draft202012Validator

from scoreline.api.openapi import openapi_document


@cache
def document():
    """The document, whose answers may hold nothing that they do not name."""
    document = openapi_document()
    for schema in document["components"]["schemas"].values():
        schema.setdefault("additionalProperties", False)
    return document


@cache
def validator(method, path, status):
    """Of the answer to a route; None for a status that no route has."""
    responses = document()["paths"][path][method.lower()]["responses"]
    response = responses.get(str(status), responses["default"])
    [(kind, content)] = response["content"].items()
    return kind, Draft202012Validator({**content["schema"], **document()})


def check(event, response):
    """An answer to a request is of the type that the document says."""
    status, method, path = response["statusCode"], event["httpMethod"], event["resource"]
    if path in document()["paths"] and method.lower() in document()["paths"][path]:
        kind, schema = validator(method, path, status)
        assert response["headers"]["Content-Type"].startswith(kind)
        schema.validate(json.loads(response["body"]) if "json" in kind else response["body"])
