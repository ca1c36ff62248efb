"""The grammar of requests: a table of fields checks a body, and JSON Schema is made from it.

A check is total: any JSON value is accepted or gives one error that names every broken rule and
repeats no value. The predict function imports this at a cold start, so it imports next to nothing.
"""

from __future__ import annotations

import re
from dataclasses import field
from itertools import islice
from typing import TYPE_CHECKING, Any

from scoreline.core.errors import (
    MAX_FIELDS,
    MAX_NAME,
    FieldError,
    InvalidRequestError,
    MalformedRequestError,
    shown_name,
)
from scoreline.core.record import record
from scoreline.core.versions import MODEL_PATTERN, is_model_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeIs

    from scoreline.core.errors import ScorelineError

MAX_TEXT = 500
MAX_ID = 128

_SURROGATE = re.compile("[\ud800-\udfff]")

REQUIRED = "is required"
UNKNOWN = "is not a field of this request"
NOT_AN_OBJECT = "must be an object"
BROKEN = "fields of the request break their rules"


@record
class Field:
    """The rule of a field: in words, as a test, and as JSON Schema."""

    rule: str
    holds: Callable[[Any], bool]
    schema: Mapping[str, Any]

    def problems(self, value: Any, path: str) -> Iterator[FieldError]:
        """The rule, if the value breaks it."""
        if not self.holds(value):
            yield FieldError(path, self.rule)


@record
class Table:
    """The fields of a JSON object: a request, or an object within one.

    Attributes
    ----------
    exactly_one, at_most_one : names of which exactly one, or at most one, must be given
    needs : name of a flag -> name of the field that is required where the flag is true
    open : further fields are allowed, such as those of an application
    """

    required: Mapping[str, Field | Table] = field(default_factory=dict)
    optional: Mapping[str, Field | Table] = field(default_factory=dict)
    exactly_one: tuple[str, ...] = ()
    at_most_one: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    open: bool = False

    def read(
        self, body: Any, error: Callable[..., ScorelineError] = InvalidRequestError
    ) -> dict[str, Any]:
        """Check a body and return it.

        Raises
        ------
        MalformedRequestError
            The body is not a JSON object.
        InvalidRequestError, or another `error` where one is given
            The body breaks rules; the error names every field.
        """
        if not isinstance(body, dict):
            raise MalformedRequestError("the request is not a JSON object")
        broken = tuple(islice(self.problems(body), MAX_FIELDS + 1))
        if broken:
            raise error(BROKEN, broken)
        return body

    def takes(self, body: Any) -> bool:
        """Whether a body breaks no rule."""
        return next(self.problems(body), None) is None

    def problems(self, value: Any, path: str = "") -> Iterator[FieldError]:
        """Every broken rule of a value."""
        if not isinstance(value, dict):
            yield FieldError(path, NOT_AN_OBJECT)
            return
        prefix = f"{path}." if path else ""
        for name in self.required:
            if name not in value:
                yield FieldError(prefix + name, REQUIRED)
        known = {**self.required, **self.optional}
        for name, rule in known.items():
            if name in value:
                yield from rule.problems(value[name], prefix + name)
        yield from self._relations(value, prefix)
        if not self.open:
            # Last, since there may be any number of them and errors are cut.
            for name in value:
                if name not in known:
                    yield FieldError(prefix + shown_name(name), UNKNOWN)

    def _relations(self, value: Mapping[str, Any], prefix: str) -> Iterator[FieldError]:
        """Broken rules between fields."""
        given = [name for name in self.exactly_one if name in value]
        if self.exactly_one and len(given) != 1:
            rule = f"exactly one of {_listed(self.exactly_one)} must be given"
            yield FieldError(prefix + self.exactly_one[0], rule)
        if sum(name in value for name in self.at_most_one) > 1:
            rule = f"only one of {_listed(self.at_most_one)} may be given"
            yield FieldError(prefix + self.at_most_one[-1], rule)
        for flag, needed in self.needs.items():
            if value.get(flag) is True and needed not in value:
                yield FieldError(prefix + needed, f"{REQUIRED} with {flag}")


def is_text(value: Any) -> bool:
    """Whether a value is a string of 1 to MAX_TEXT printable characters and not blank."""
    return (
        isinstance(value, str)
        and len(value) <= MAX_TEXT
        and value.isprintable()
        and not value.isspace()
        and value != ""
    )


def is_model(value: Any) -> bool:
    """Whether a value is a model's name."""
    return isinstance(value, str) and is_model_name(value)


def is_identifier(value: Any) -> TypeIs[str]:
    """Whether a value is a string of 1 to MAX_ID characters that an answer can repeat."""
    return isinstance(value, str) and 0 < len(value) <= MAX_ID and not has_half_pair(value)


def has_half_pair(text: str) -> bool:
    """Whether a string holds half a surrogate pair, which cannot be written as UTF-8."""
    return not text.isascii() and _SURROGATE.search(text) is not None


TEXT = Field(
    f"must be a string of 1 to {MAX_TEXT} printable characters",
    is_text,
    {"type": "string", "minLength": 1, "maxLength": MAX_TEXT},
)
MODEL = Field(
    "must be the name of a model, such as german-credit",
    is_model,
    {"type": "string", "pattern": f"^{MODEL_PATTERN.pattern}$", "maxLength": MAX_NAME},
)
STRING = Field(
    "must be a string",
    lambda value: isinstance(value, str),
    {"type": "string"},
)
IDENTIFIER = Field(
    f"must be a string of 1 to {MAX_ID} characters",
    is_identifier,
    {"type": "string", "minLength": 1, "maxLength": MAX_ID},
)
FLAG = Field(
    "must be true or false",
    lambda value: isinstance(value, bool),
    {"type": "boolean"},
)
OBJECT = Field(
    NOT_AN_OBJECT,
    lambda value: isinstance(value, dict),
    {"type": "object"},
)


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
