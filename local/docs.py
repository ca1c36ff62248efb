"""The documentation that the front serves: the OpenAPI document as of now, and Swagger UI."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from scoreline.api.openapi import Champions, openapi_document
from scoreline.aws.registry import ModelRegistry
from scoreline.core.errors import ModelNotFoundError, ScorelineError
from scoreline.core.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from local.runtime import Outcome
    from local.template import Function, Template

    Invoke = Callable[[Function, Any], Awaitable[Outcome]]

SCHEMA_ROUTE = "/models/{model}/schema"
PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Scoreline</title>
  <link rel="stylesheet" href="docs/assets/swagger-ui.css">
  <link rel="icon" href="docs/assets/favicon-32x32.png">
</head>
<body>
  <div id="ui"></div>
  <script src="docs/assets/swagger-ui-bundle.js"></script>
  <script>
    SwaggerUIBundle({url: "openapi.json", dom_id: "#ui", deepLinking: true, validatorUrl: null})
  </script>
</body>
</html>
"""


def routes(template: Template, invoke: Invoke) -> list[BaseRoute]:
    """`/openapi.json`, `/docs` and the files of Swagger UI."""

    async def openapi(_request: Request) -> Response:
        try:
            champions = await read_champions(template, invoke)
        except ScorelineError as error:
            return JSONResponse(error.to_json(), error.status)
        return JSONResponse(openapi_document(template.routes, champions))

    async def page(_request: Request) -> Response:
        return HTMLResponse(PAGE)

    return [
        Route("/openapi.json", openapi),
        Route("/docs", page),
        Mount("/docs/assets", StaticFiles(directory=swagger_ui_files())),
    ]


async def read_champions(template: Template, invoke: Invoke) -> Champions:
    """The promoted models and the JSON Schema of their input, which predict gives."""
    registry = ModelRegistry.connect(Settings.from_env())
    pointers = await run_in_threadpool(registry.pointers)
    try:
        default = (await run_in_threadpool(registry.routing)).default
    except ModelNotFoundError:
        default = ""
    [function] = (route.function for route in template.routes if route.path == SCHEMA_ROUTE)
    schemas = {}
    for model in sorted(pointers):
        event = {"httpMethod": "GET", "resource": SCHEMA_ROUTE, "pathParameters": {"model": model}}
        outcome = await invoke(function, event)
        if not outcome.failed and outcome.answer["statusCode"] == 200:
            schemas[model] = json.loads(outcome.answer["body"])
    return Champions(default, schemas)


def swagger_ui_files() -> Path:
    """Swagger UI as `flask-swagger-ui` packs it; Flask itself is not imported."""
    spec = find_spec("flask_swagger_ui")
    assert spec is not None  # noqa: S101 - it is in the lock file
    assert spec.origin is not None  # noqa: S101
    return Path(spec.origin).parent / "dist"
