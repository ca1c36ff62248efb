"""Entry point in Lambda. Importing it there is INIT, so it loads the champion of the default model.

INIT has the processor for itself and is over before the first application comes; under SnapStart
it happens before the snapshot. Elsewhere importing it does nothing, as with every module of ours.
"""

# ruff: noqa: E402
from __future__ import annotations

import gc

gc.disable()  # an import makes no garbage, and looking for it takes 5 ms

import os
import random

from snapshot_restore_py import register_after_restore

from functions.predict.routes import aws, champions, lambda_handler
from scoreline.core.errors import ScorelineError
from scoreline.core.log import logger

__all__ = ["lambda_handler"]


def prepare() -> None:
    """Load the default model's champion; what fails is tried again by the first request."""
    try:
        champions().for_bank(None)
    except ScorelineError as error:
        logger.warning("no model is loaded in INIT", problem=error.message)


def forget() -> None:
    """Trust nothing that a snapshot froze: connections, pointers and the state of chance."""
    aws().forget_connections()
    champions().forget_pointers()
    random.seed()


register_after_restore(forget)
if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    prepare()
    gc.freeze()  # a collection need not look at what serves from now on
gc.enable()
