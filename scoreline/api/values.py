"""Types of values that answers share."""

from __future__ import annotations

from typing import Annotated, Literal

from scoreline.core.errors import MAX_NAME
from scoreline.core.versions import MODEL_PATTERN, VERSION_PATTERN

# Annotations hold what a Python type cannot express, as keywords of JSON Schema.
Model = Annotated[
    str,
    {
        "pattern": f"^{MODEL_PATTERN.pattern}$",
        "maxLength": MAX_NAME,
        "examples": ["loan-risk"],
    },
]
Version = Annotated[
    str, {"pattern": f"^{VERSION_PATTERN.pattern}$", "examples": ["20261121T004512Z-3fa9c1d2"]}
]
Time = Annotated[str, {"format": "date-time"}]
Probability = Annotated[float, {"minimum": 0, "maximum": 1}]
Points = Annotated[int, {"description": "Points; higher is safer"}]
ChangeNumber = Annotated[int, {"minimum": 0, "description": "Number of a change"}]
Status = Annotated[
    Literal["candidate", "rejected"],
    {"description": "Whether the version passed its gates; a rejected one needs an override"},
]
Outcome = Literal[
    "already reached",
    "found",
    "none within the ranges",
    "none found, the search is not complete",
]
Banks = Annotated[dict[str, Model], {"examples": [{"north-bank": "credit-card"}]}]
