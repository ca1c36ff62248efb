"""Reads definitions from files and manifests; errors name file, key and rule, all at once."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

import models
from scoreline.core.errors import DefinitionError
from scoreline.core.versions import is_model_name
from scoreline.definition.error_text import UNREADABLE, explain
from scoreline.definition.model import AnyDefinition, DefaultDefinition, RecommendationDefinition

if TYPE_CHECKING:
    from scoreline.definition.model import Definition

    type Loaded = DefaultDefinition | RecommendationDefinition

MODELS_DIR = Path(models.__file__).parent
OWN_MODELS = "SCORELINE_MODELS"  # variable that names a folder of further definitions
MAX_BYTES = 256_000  # the largest that ships has 28,000
DEFINITION: TypeAdapter[Loaded] = TypeAdapter(AnyDefinition)
TOO_LARGE = f"over {MAX_BYTES:,} bytes"
TASKS: dict[str, type[Definition]] = {
    "default": DefaultDefinition,
    "recommendation": RecommendationDefinition,
}


def defined_models() -> list[str]:
    """Names of the models that have a definition."""
    return sorted({path.stem for folder in _folders() for path in folder.glob("*.toml")})


def shipped_models() -> list[str]:
    """Names of the models whose definitions ship with the project."""
    return sorted(path.stem for path in MODELS_DIR.glob("*.toml"))


def read_shipped(model: str) -> str:
    """The text of a definition that ships."""
    return (MODELS_DIR / f"{model}.toml").read_text(encoding="utf-8")


def load_definition(model: str) -> Loaded:
    """A model's definition, from the folder that SCORELINE_MODELS names or from those that ship.

    Raises
    ------
    DefinitionError
        The model has no definition, or it breaks a rule; the message names file, key and rule.
    """
    return read_definition(find_definition(model))


def find_definition(model: str) -> Path:
    """The file of a model's definition; a DefinitionError where there is none."""
    if is_model_name(model):
        for path in (folder / f"{model}.toml" for folder in _folders()):
            if path.is_file():
                return path
    raise DefinitionError(f"no definition for this model; defined: {', '.join(defined_models())}")


def _folders() -> list[Path]:
    """The folders of definitions, a lender's own before those that ship."""
    own = os.environ.get(OWN_MODELS)
    return [Path(own), MODELS_DIR] if own else [MODELS_DIR]


def read_definition(path: Path) -> Loaded:
    """Read and check a definition file."""
    return read_text(path.name, read_file(path))


def read_file(path: Path) -> str:
    """The text of a definition file; a DefinitionError where it cannot be read."""
    try:
        if path.stat().st_size > MAX_BYTES:  # before it is in memory
            raise DefinitionError(f"{path.name}: {TOO_LARGE}")
        return path.read_bytes().decode()
    except OSError as error:
        raise DefinitionError(
            f"{path.name}: {(error.strerror or 'not readable').lower()}"
        ) from error
    except UnicodeDecodeError as error:
        raise DefinitionError(f"{path.name}: not UTF-8 text") from error


def read_text(file: str, text: str) -> Loaded:
    """Check the text of a definition; `file` is what errors call it, and NAME.toml.

    Raises
    ------
    DefinitionError
        The text is not TOML, breaks a rule, or names another model than its file.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise DefinitionError(f"{file}: {TOO_LARGE}")
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"{file}: not valid TOML: {error}") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, deep tables
        raise DefinitionError(f"{file}: {UNREADABLE}") from error
    definition = parse_definition(file, raw)
    if definition.name != Path(file).stem:
        raise DefinitionError(f"{file}: name: must be the file's name, {Path(file).stem}")
    return definition


def restore_definition(recorded: dict[str, Any]) -> Loaded:
    """The definition that a manifest records; a DefinitionError where it breaks a rule."""
    return parse_definition("the recorded definition", _without_other_keys(recorded))


def parse_definition(file: str, raw: dict[str, Any]) -> Loaded:
    """Check a definition's content; `file` is what errors call it."""
    raw = {"task": "default", **raw}
    try:
        # Strict validation takes lists for tuples only in JSON; TOML's dates become text.
        return DEFINITION.validate_json(json.dumps(raw, default=str))
    except RecursionError as error:
        raise DefinitionError(f"{file}: {UNREADABLE}") from error
    except ValidationError as error:
        raise DefinitionError(explain(file, raw, error)) from error


def _without_other_keys(recorded: dict[str, Any]) -> dict[str, Any]:
    """A recorded definition without keys of the other task.

    Manifests of earlier versions record the keys of both tasks, with empty values where they had no
    effect.
    """
    own = TASKS[recorded["task"]].model_fields
    others = {key for task in TASKS.values() for key in task.model_fields} - own.keys()
    kept = {key: value for key, value in recorded.items() if key not in others}
    report, split = dict(kept["report"]), dict(kept["split"])
    if recorded["task"] != "default":
        report.pop("segments", None)
    if split["method"] != "time":
        split.pop("column", None)
    return {**kept, "report": report, "split": split}
