"""Finds the definition that a command names: a file, or a model that has one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from scoreline.definition.files import Loaded


def definition_path(named: str) -> Path:
    """The file that is named, or the definition of the model that is named."""
    from scoreline.definition.files import find_definition

    path = Path(named)
    return path if path.suffix == ".toml" else find_definition(named)


def chosen_definition(model: str, file: str) -> Loaded:
    """The definition of a model, or the one in a file; exactly one of them is named."""
    from scoreline.definition.files import read_definition

    if bool(model) == bool(file):
        raise typer.BadParameter("name a model, or a file with --definition; one of them")
    return read_definition(definition_path(model or file))
