"""The feature pipelines by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.home_credit.pipeline import HOME_CREDIT
from scoreline.core.errors import ModelNotFoundError

if TYPE_CHECKING:
    from features.pipeline import Pipeline

PIPELINES = {pipeline.name: pipeline for pipeline in (HOME_CREDIT,)}


def load_pipeline(name: str) -> Pipeline:
    """A pipeline by its name; a ModelNotFoundError lists the known ones."""
    if name not in PIPELINES:
        raise ModelNotFoundError(
            f"no such feature pipeline; known pipelines: {', '.join(PIPELINES)}"
        )
    return PIPELINES[name]
