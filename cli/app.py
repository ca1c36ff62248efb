"""The `scoreline` command: its commands by subject, its version and its exit codes."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.commands import (
    definitions,
    drafting,
    features,
    routing,
    schema,
    scoring,
    stack,
    training,
    versions,
)
from cli.failures import exit_on_failure
from scoreline import __version__

EXIT_CODES = """\b
Exit codes:
  0  success; for train, the version is published
  1  the command failed; one sentence on standard error says why
  2  the command line is not valid
  3  train --fail-on-rejected: the version is published but did not pass its gates
"""

app = typer.Typer(
    help="Train, publish and serve credit scoring models.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for subject in (drafting, training, definitions, versions, scoring, routing, stack):
    app.add_typer(subject.app)
app.add_typer(features.app, name="features")
app.add_typer(schema.app, name="schema")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"scoreline {__version__}")
        raise typer.Exit


@app.callback()
def scoreline(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Train, publish and serve credit scoring models."""


def main() -> None:
    """Entry point of the console script."""
    with exit_on_failure():
        app()
