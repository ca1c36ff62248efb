"""Reads definitions from files and manifests; errors name file, key and rule, all at once."""

from __future__ import annotations

import json
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
DEFINITION: TypeAdapter[Loaded] = TypeAdapter(AnyDefinition)
TASKS: dict[str, type[Definition]] = {
    "default": DefaultDefinition,
    "recommendation": RecommendationDefinition,
}


def defined_models() -> list[str]:
    """Names of the models that have a definition."""
    return sorted(path.stem for path in MODELS_DIR.glob("*.toml"))


def load_definition(model: str) -> Loaded:
    """The definition of a model that ships with the project.

    Raises
    ------
    DefinitionError
        The model has no definition, or it breaks a rule; the message names file, key and rule.
    """
    path = MODELS_DIR / f"{model}.toml"
    if not is_model_name(model) or not path.is_file():
        raise DefinitionError(
            f"no definition for this model; defined: {', '.join(defined_models())}"
        )
    return read_definition(path)


def read_definition(path: Path) -> Loaded:
    """Read and check a definition file."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"{path.name}: not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise DefinitionError(f"{path.name}: not UTF-8 text") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, deep tables
        raise DefinitionError(f"{path.name}: {UNREADABLE}") from error
    definition = parse_definition(path.name, raw)
    if definition.name != path.stem:
        raise DefinitionError(f"{path.name}: name: must be the file's name, {path.stem}")
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
