"""Commands that print JSON Schemas."""

from __future__ import annotations

import json

import typer

app = typer.Typer(help="Print JSON Schemas.")


@app.callback()
def schema() -> None:
    """Print JSON Schemas."""


@app.command()
def definition() -> None:
    """Print the JSON Schema of a model's definition.

    Save it next to your definitions and start each definition with the line "#:schema FILE". An
    editor with Taplo, such as VS Code with Even Better TOML, then completes and checks them.
    """
    from scoreline.definition.schema import definition_schema

    print(json.dumps(definition_schema(), indent=2))
