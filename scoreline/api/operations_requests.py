"""Bodies of requests by operations and data science, and of messages to the train function."""

from __future__ import annotations

import json
from typing import Any

from scoreline.api.fields import FLAG, MODEL, STRING, TEXT, Field, Table, has_half_pair, is_model
from scoreline.core.datasets import DATASET_PATTERN, DATASET_RULE, is_dataset_path
from scoreline.core.errors import MAX_NAME

DEFAULT = "default"  # no bank has this name
MAX_DEFINITION_BYTES = 256_000  # the largest that ships has 28,000
MAX_BANKS_BYTES = 4000  # a standard parameter has 4096, and the default model needs its own


def is_bank(value: Any) -> bool:
    """Whether a value is the name of a bank."""
    return is_model(value) and value != DEFAULT


def are_banks(value: Any) -> bool:
    """Whether a value maps banks to models and fits the routing parameter."""
    return (
        isinstance(value, dict)
        and all(is_bank(bank) and is_model(model) for bank, model in value.items())
        and len(json.dumps(value)) <= MAX_BANKS_BYTES
    )


def is_definition(value: Any) -> bool:
    """Whether a value is text that may be a definition: UTF-8 of limited size."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_DEFINITION_BYTES:
        return False
    return len(value.encode(errors="replace")) <= MAX_DEFINITION_BYTES and not has_half_pair(value)


DATASET = Field(
    DATASET_RULE,
    lambda value: isinstance(value, str) and is_dataset_path(value),
    {"type": "string", "pattern": DATASET_PATTERN, "examples": ["datasets/german-credit/"]},
)
VERSION = Field(
    TEXT.rule,
    TEXT.holds,
    {**TEXT.schema, "examples": ["20261121T004512Z-3fa9c1d2"]},
)
REASON = Field(TEXT.rule, TEXT.holds, {**TEXT.schema, "examples": ["new data"]})
OVERRIDE = Field(
    FLAG.rule,
    FLAG.holds,
    {
        **FLAG.schema,
        "description": "Promote a rejected version, or one that the caller has trained; needs a "
        "reason",
    },
)
DEFINITION = Field(
    f"must be the text of a definition file, of at most {MAX_DEFINITION_BYTES:,} bytes",
    is_definition,
    {"type": "string", "minLength": 1, "maxLength": MAX_DEFINITION_BYTES},
)
BANKS = Field(
    "must be an object of banks and their models; the name of a bank is lower-case words joined by "
    f"hyphens, of at most {MAX_NAME} characters, and not {DEFAULT}; all must fit "
    f"{MAX_BANKS_BYTES} bytes",
    are_banks,
    {
        "type": "object",
        "propertyNames": {**MODEL.schema, "not": {"const": DEFAULT}},
        "additionalProperties": dict(MODEL.schema),
        "examples": [{"north-bank": "credit-card"}],
    },
)
SEQUENCE = Field(
    "must be the number of the latest change, 0 before the first",
    lambda value: type(value) is int and value >= 0,
    {"type": "integer", "minimum": 0, "description": "Number of the latest change; 0 for none"},
)

PROMOTE = Table({"version": VERSION, "reason": REASON}, {"expected": VERSION, "override": OVERRIDE})
ROLLBACK = Table({"reason": REASON}, {"expected": VERSION})
UPDATE_MODEL = Table(
    {"model_name": VERSION},
    {"model": MODEL, "reason": REASON, "override": OVERRIDE},
    needs={"override": "reason"},
)
ROUTING = Table({"default": MODEL, "banks": BANKS, "reason": REASON}, {"expected": SEQUENCE})
DEFINE = Table({"definition": DEFINITION}, {"reason": REASON, "expected": SEQUENCE})
TRAIN = Table({"dataset_path": DATASET}, {"model": MODEL})
TRAIN_DIRECTLY = Table(optional={"model": MODEL, "dataset_path": DATASET})
# A job in the training queue; messages of older versions do not name who asked for it.
JOB_MESSAGE = Table(
    {"job": STRING, "model": STRING, "dataset_path": STRING}, {"trained_by": STRING}
)
TRAIN_HEADERS = Table(optional={"idempotency-key": TEXT}, open=True)
