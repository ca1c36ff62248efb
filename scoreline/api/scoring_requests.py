"""Bodies of scoring requests, apart from the fields of a model's application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scoreline.api.fields import (
    IDENTIFIER,
    MAX_ID,
    MODEL,
    OBJECT,
    STRING,
    TEXT,
    Field,
    Table,
    is_identifier,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_CUSTOMER_NUMBER = 10 ** (MAX_ID - 1)  # with a sign it still is an identifier
TARGETS = ("approve", "refer")  # the best first


def is_customer_id(value: Any) -> bool:
    """Whether a value identifies a customer; null stands for a new one."""
    if type(value) is int:
        return bool(abs(value) < MAX_CUSTOMER_NUMBER)
    return value is None or is_identifier(value)


BANK = Field(
    STRING.rule,
    STRING.holds,
    {**STRING.schema, "description": "The bank whose model answers in place of the default one"},
)
CUSTOMER_ID = Field(
    f"must be a whole number or a string of 1 to {MAX_ID} characters, or null",
    is_customer_id,
    {
        "anyOf": [dict(IDENTIFIER.schema), {"type": "integer"}, {"type": "null"}],
        "description": "Whose history is looked up; absent or null for a new customer",
    },
)
APPLICATIONS = Field(
    "must be a list of at least one application",
    lambda value: isinstance(value, list) and value != [],
    {
        "type": "array",
        "minItems": 1,
        "items": {},  # one that is no object is answered by an error of its own
    },
)
CHANGES = Field(
    "must be an object of at least one field",
    lambda value: isinstance(value, dict) and value != {},
    {
        "type": "object",
        "minProperties": 1,
        "description": "Fields and their new values; null for a missing value",
    },
)
TARGET = Field(
    f"must be one of: {', '.join(TARGETS)}",
    lambda value: value in TARGETS,
    {"enum": list(TARGETS), "description": "Reached by this decision and by a better one"},
)

# An application may name a bank, whose model then answers.
ROUTED = Table(optional={"bank": BANK}, open=True)
BATCH = Table({"applications": APPLICATIONS})
ROUTED_BATCH = Table({"applications": APPLICATIONS}, {"bank": BANK})
CUSTOMER = Table({"application": OBJECT}, {"customer_id": CUSTOMER_ID})
WHAT_IF = Table(
    {"application": OBJECT},
    {"changes": CHANGES, "target": TARGET},
    exactly_one=("changes", "target"),
)
CUSTOMER_WHAT_IF = Table(
    {"application": OBJECT},
    {"changes": CHANGES, "target": TARGET, "customer_id": CUSTOMER_ID},
    exactly_one=("changes", "target"),
)

_ROUTE = {"model": MODEL, "bank": BANK}
_VERIFY = Table({"model": MODEL, "version": TEXT})
# The kinds of direct invocation, each by the field that only it has.
DIRECT: Mapping[str, Table] = {
    "application": Table(
        {"application": OBJECT},
        {**_ROUTE, "customer_id": CUSTOMER_ID},
        at_most_one=("model", "bank"),
    ),
    "applications": Table({"applications": APPLICATIONS}, _ROUTE, at_most_one=("model", "bank")),
    "verify": Table({"verify": _VERIFY}),
}
ANY_DIRECT = Table(
    optional={
        **_ROUTE,
        "application": OBJECT,
        "customer_id": CUSTOMER_ID,
        "applications": APPLICATIONS,
        "verify": _VERIFY,
    },
    exactly_one=tuple(DIRECT),
    at_most_one=("model", "bank"),
)


def direct_table(event: Any) -> Table:
    """The table of a direct invocation's kind; of all kinds, where it is none or several."""
    kinds = [name for name in DIRECT if isinstance(event, dict) and name in event]
    return DIRECT[kinds[0]] if len(kinds) == 1 else ANY_DIRECT
