"""The OpenAPI document: the template's routes and, as paths of their own, the promoted models."""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Any

from scoreline import __version__
from scoreline.api.schemas import (
    ANY_OBJECT,
    BODIES,
    COMPONENTS,
    MODEL,
    STRING,
    Schema,
    array,
    record,
    ref,
    what_if,
)
from scoreline.api.scoring_requests import CUSTOMER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local.template import Route

JSON = "application/json"
DESCRIPTION = (
    "Credit scoring. A deployment asks scoring clients for an API key and operations for a "
    "signature by AWS IAM; the local stack asks nobody."
)

ANY_ANSWER: Schema = {"anyOf": [ref("Answer"), ref("Recommendations")]}
WHAT_IF_ANSWER: Schema = {"anyOf": [ref("Comparison"), ref("Proposals")]}

# Route -> what it does, status and schema of its answer.
ANSWERS: dict[tuple[str, str], tuple[str, int, Schema]] = {
    ("POST", "/predict"): ("Score an application for the default model", 200, ANY_ANSWER),
    ("POST", "/predict/batch"): ("Score many applications", 200, ref("BatchAnswer")),
    ("POST", "/models/{model}/predict"): ("Score an application", 200, ANY_ANSWER),
    ("POST", "/models/{model}/predict/batch"): (
        "Score many applications",
        200,
        ref("BatchAnswer"),
    ),
    ("POST", "/models/{model}/what-if"): (
        "What changes would do, or which would reach a decision",
        200,
        WHAT_IF_ANSWER,
    ),
    ("GET", "/models/{model}/schema"): ("JSON Schema of an application", 200, ANY_OBJECT),
    ("GET", "/health"): ("Whether scoring works", 200, ref("Health")),
    ("GET", "/status"): ("The loaded models, and what keeps others away", 200, ref("Status")),
    ("GET", "/config"): ("What serves, and where things are kept", 200, ref("Config")),
    ("GET", "/routing"): ("Which model answers which bank", 200, ref("Routing")),
    ("PUT", "/routing"): ("Let other models answer", 200, ref("RoutingEntry")),
    ("POST", "/update_model"): ("Promote a version of the default model", 200, ref("Moved")),
    ("GET", "/models"): ("All models", 200, ref("Models")),
    ("GET", "/models/{model}/versions"): ("Versions of a model", 200, ref("Versions")),
    ("GET", "/models/{model}/versions/{version}/report"): ("Report of a version", 200, STRING),
    ("GET", "/models/{model}/history"): ("Who promoted what and why", 200, ref("History")),
    ("GET", "/models/{model}/watch"): ("How a new champion does", 200, ref("Watch")),
    ("POST", "/models/{model}/promote"): ("Let a version decide", 200, ref("Moved")),
    ("POST", "/models/{model}/rollback"): ("Return to the champion before", 200, ref("Moved")),
    ("POST", "/train"): ("Queue a training job", 202, ref("Submitted")),
    ("GET", "/train/{job}"): ("Where a training job stands", 200, ref("Job")),
}
CONTENT_TYPES = {
    "/models/{model}/versions/{version}/report": "text/html",
    "/models/{model}/schema": "application/schema+json",
}
# Task -> routes about applications, which the document repeats for every promoted model, and what
# the model answers to them.
MODEL_PATHS: dict[str, dict[str, Schema]] = {
    "default": {
        "/models/{model}/predict": ref("Answer"),
        "/models/{model}/predict/batch": ref("BatchAnswer"),
        "/models/{model}/what-if": WHAT_IF_ANSWER,
    },
    "recommendation": {
        "/models/{model}/predict": ref("Recommendations"),
        "/models/{model}/predict/batch": ref("BatchAnswer"),
    },
}
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


@dataclass(frozen=True, slots=True)
class Champions:
    """The promoted models: the default one's name, and the JSON Schema of each one's input."""

    default: str
    schemas: Mapping[str, Schema]


def openapi_document(routes: Iterable[Route], champions: Champions) -> dict[str, Any]:
    """OpenAPI 3.1 of the routes, with the promoted models' applications in full."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        for model, application in champions.schemas.items():
            answer = MODEL_PATHS[application["x-task"]].get(route.path)
            if answer is not None:
                path = route.path.replace("{model}", model)
                own = _applications(route, champions, model)
                paths[path] = {"post": _operation(route, path, own, model, answer)}
        schema: Schema | None = BODIES.get((route.method, route.path))
        if "predict" in route.path:
            named = champions.default if route.path.startswith("/predict") else ""
            schema = _applications(route, champions, named if named in champions.schemas else "")
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(
            route, route.path, schema, route.function.logical_id
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Scoreline", "version": __version__, "description": DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": {
                **COMPONENTS,
                **{f"Application-{model}": s for model, s in champions.schemas.items()},
            },
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _operation(
    route: Route, path: str, schema: Schema | None, tag: str, answer: Schema | None = None
) -> dict[str, Any]:
    summary, status, usual = ANSWERS[route.method, route.path]
    operation: dict[str, Any] = {
        "summary": summary,
        "tags": [tag.removesuffix("Function").lower()],
        "operationId": f"{route.method.lower()}{path.translate(_WORD)}",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": _parameter(name)}
            for _, name, _, _ in Formatter().parse(path)
            if name
        ],
        "responses": {
            str(status): _content("Success", answer or usual, CONTENT_TYPES.get(route.path, JSON)),
            "default": _content("Error", ref("Error"), JSON),
        },
        "security": SECURITY[route.auth],
    }
    if schema is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return operation


def _applications(route: Route, champions: Champions, model: str) -> Schema:
    """The body of a scoring route, for the model where it is known."""
    application = ref(f"Application-{model}") if model else ANY_OBJECT
    if route.path.endswith("/what-if"):
        return _what_if(application, champions.schemas[model])
    batch = route.path.endswith("/batch")
    applications = record(applications=array(application, minItems=1))
    if not route.path.startswith("/predict"):
        return applications if batch else application
    banked = record(bank={"type": "string", "description": "The bank whose model decides"})
    if batch:
        banked["properties"]["applications"] = array(ANY_OBJECT, minItems=1)
    return {"anyOf": [applications if batch else application, banked]}


def _what_if(scored: Schema, schema: Schema) -> Schema:
    """The body of a what-if request: its application may stand beside a customer."""
    if "customer_id" not in schema.get("properties", {}):
        return what_if(scored)
    parts = {
        name: {"$ref": f"{scored['$ref']}/properties/{name}"}
        for name in (*CUSTOMER.optional, *CUSTOMER.required)
    }
    return what_if(parts.pop("application"), **parts)


def _content(description: str, schema: Schema, content_type: str) -> dict[str, Any]:
    return {"description": description, "content": {content_type: {"schema": schema}}}


def _parameter(name: str) -> Schema:
    return MODEL if name == "model" else STRING


_WORD = str.maketrans({"/": "_", "{": "", "}": "", "-": "_"})
