"""The page of the HTTP API, made from the OpenAPI document of a deployment without models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docs.reference.markdown import Schema, code, references, table, type_of, variants
from scoreline.api.openapi import openapi_document

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """# HTTP API reference

Every route with the fields of its request and of its answer. A deployment serves the same with the
fields of its promoted models: `/openapi.json` for generated clients, `/docs` to read and try. It
asks scoring clients for an API key (header `x-api-key`) and operations for an AWS signature. Errors
are
`{"error": {"code", "message", "fields": [{"field", "rule"}]}}`; all fields that break a rule are
named at once, and no value is repeated. [Score applications](../scoring.md) has examples.
"""
WHO = {"ApiKey": "scoring clients", "Iam": "operations"}
COLUMNS = ("field", "type", "required", "meaning")


def page() -> str:
    """The whole page."""
    document = openapi_document()
    schemas = document["components"]["schemas"]
    parts = [HEAD, "## Routes\n", _overview(document)]
    bodies: dict[str, None] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            body = _body(operation)
            bodies |= body
            parts.append(_route(method, path, operation, [schemas[name] for name in body]))
    parts.append("## Answers\n")
    answers = [name for name in schemas if name not in bodies and not name.startswith("Banked")]
    parts += [_component(name, schemas[name]) for name in answers]
    return "\n".join(parts)


def _overview(document: dict[str, Any]) -> str:
    rows = [
        (f"`{method.upper()} {path}`", _who(operation), operation["summary"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    return table(("route", "who", "what"), rows) + "\n"


def _who(operation: dict[str, Any]) -> str:
    return next((WHO[name] for part in operation["security"] for name in part), "anyone")


def _body(operation: dict[str, Any]) -> dict[str, None]:
    """Names of the schemas that a route's body may have."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return dict.fromkeys(references(body.get("schema", {})))


def _route(method: str, path: str, operation: dict[str, Any], bodies: list[Schema]) -> str:
    parts = [f"### {method.upper()} {path}", f"{operation['summary']}. For {_who(operation)}."]
    parts.append("\n\nor\n\n".join(filter(None, map(_fields, bodies))))
    for status, response in operation["responses"].items():
        for kind, content in response.get("content", {}).items():
            if status != "default":
                answer = type_of(content["schema"], _link)
                parts.append(f"Answers {status} with {answer} ({code(kind)}).")
    return "\n\n".join(filter(None, parts)) + "\n"


def _component(name: str, schema: Schema) -> str:
    parts = [f"### {name}", schema.get("description", ""), _fields(schema)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _fields(schema: Schema) -> str:
    return table(COLUMNS, _rows(schema)) if schema.get("properties") else ""


def _rows(schema: Schema, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """A row for each field, and for the fields of objects within it."""
    for name, part in schema.get("properties", {}).items():
        presence = "yes" if name in schema.get("required", ()) else "no"
        yield f"`{prefix}{name}`", type_of(part, _link), presence, part.get("description", "")
        for one in variants(part):
            yield from _rows(one, f"{prefix}{name}.")
            yield from _rows(one.get("items", {}), f"{prefix}{name}[].")


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"
