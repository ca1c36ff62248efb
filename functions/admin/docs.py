"""The page of the API: Swagger UI, its style and the OpenAPI document in one file.

Requests of operations carry an AWS signature, which browsers cannot make. A client that signs, such
as awscurl, can save the page, and a browser then opens the file.
"""

from __future__ import annotations

import gzip
import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scoreline.api.json_schema import Schema

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Scoreline</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<div id="ui"></div>
<script>{script}</script>
<script>
SwaggerUIBundle({{spec: {document}, dom_id: "#ui", deepLinking: true, validatorUrl: null}})
</script>
</body>
</html>
"""


def page(document: Schema) -> str:
    """The document as a page that loads nothing else."""
    text = json.dumps(document).replace("<", "\\u003c")  # or "</script>" in a text would end it
    style, script = asset("swagger-ui.css"), asset("swagger-ui-bundle.js")
    return PAGE.format(style=style, script=script, document=text)


def asset(name: str) -> str:
    """A file of Swagger UI, from `flask-swagger-ui`; functions/Makefile compresses it."""
    spec = find_spec("flask_swagger_ui")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("flask_swagger_ui")
    path = Path(spec.submodule_search_locations[0]) / "dist" / name
    compressed = path.with_name(f"{name}.gz")
    content = gzip.decompress(compressed.read_bytes()) if compressed.exists() else path.read_bytes()
    return content.decode()
