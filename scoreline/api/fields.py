"""Strict reading of a small JSON object: all bad fields at once, never a value."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scoreline.core.datasets import DATASET_RULE, is_dataset_path
from scoreline.core.errors import FieldError, InvalidRequestError
from scoreline.core.record import record
from scoreline.core.versions import MODEL_PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_TEXT = 500
_MAX_NAME = 64


@record
class Field:
    """A field: the rule in words, its test, its type, and whether it may be absent."""

    rule: str
    test: Callable[[Any], bool]
    optional: bool = False
    type: type = str


def is_text(value: str) -> bool:
    """Whether a string is 1 to MAX_TEXT printable characters and not blank."""
    return len(value) <= MAX_TEXT and value.isprintable() and not value.isspace() and value != ""


TEXT = Field(f"a string of 1 to {MAX_TEXT} printable characters", is_text)
MODEL = Field("a model's name such as german-credit", lambda v: bool(MODEL_PATTERN.fullmatch(v)))
DATASET = Field(DATASET_RULE, is_dataset_path)
FLAG = Field("true or false", lambda _: True, type=bool)


def optional(field: Field) -> Field:
    """The same field, which may be absent."""
    return replace(field, optional=True)


def read_fields(body: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Any]:
    """The fields of `body`; an InvalidRequestError names every unknown, missing or wrong one."""
    errors = [FieldError(_name(n), "unknown field") for n in body if n not in fields]
    for name, field in fields.items():
        value = body.get(name)
        if name not in body:
            if not field.optional:
                errors.append(FieldError(name, f"required: {field.rule}"))
        elif not isinstance(value, field.type) or not field.test(value):
            errors.append(FieldError(name, f"expected {field.rule}"))
    if errors:
        raise InvalidRequestError("fields of the request break their rules", tuple(errors))
    return dict(body)


def _name(unknown: str) -> str:
    """The name of an unknown field, as far as it looks like a name."""
    return unknown if unknown.isidentifier() and len(unknown) <= _MAX_NAME else "(unnamed)"
