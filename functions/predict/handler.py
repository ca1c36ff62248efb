"""Entry point in Lambda, whose import in INIT loads the champion of the default model.

INIT has a whole processor and ends before the first application arrives; under SnapStart it runs
before the snapshot is taken. Outside of Lambda the import has no side effects.
"""

# ruff: noqa: E402
from __future__ import annotations

import gc

gc.disable()  # imports leave no garbage, and looking for it takes 5 ms

import os
import random

from snapshot_restore_py import register_after_restore

from functions.predict.routes import aws, champions, lambda_handler
from scoreline.core.errors import ScorelineError
from scoreline.core.log import logger

__all__ = ["lambda_handler"]


def load_default_champion() -> None:
    """Load the default model's champion; after a failure the first request tries again."""
    try:
        champions().for_bank(None)
    except ScorelineError as error:
        logger.warning("no model was loaded in INIT", problem=error.message)


def discard_snapshot_state() -> None:
    """Discard state that a snapshot froze: connections, pointers and the random numbers' state."""
    aws().forget_connections()
    champions().forget_pointers()
    random.seed()


register_after_restore(discard_snapshot_state)
if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    load_default_champion()
    gc.freeze()  # later collections skip everything that is loaded by now
gc.enable()
