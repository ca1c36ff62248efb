"""The page that shows an OpenAPI document: Swagger UI with all that it needs in one file.

Routes of operations are signed, and a browser signs nothing: the page is fetched by a client that
does, such as awscurl, and opened as a file.
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
    """The document as a page of its own, without references to other addresses."""
    text = json.dumps(document).replace("<", "\\u003c")  # no text in it ends the script
    style, script = asset("swagger-ui.css"), asset("swagger-ui-bundle.js")
    return PAGE.format(style=style, script=script, document=text)


def asset(name: str) -> str:
    """A file of Swagger UI, which the package `flask-swagger-ui` holds; the zip compresses it."""
    spec = find_spec("flask_swagger_ui")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("flask_swagger_ui")
    path = Path(spec.submodule_search_locations[0]) / "dist" / name
    compressed = path.with_name(f"{name}.gz")
    content = gzip.decompress(compressed.read_bytes()) if compressed.exists() else path.read_bytes()
    return content.decode()
