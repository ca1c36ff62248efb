"""JSON that people or other programs wrote, read by one total function."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any


def read_json(content: str | bytes) -> Any:
    """The value of a JSON text; a ValueError for anything else, however it is broken.

    A number over the range of a float is refused, because arithmetic with infinity fails later. So
    is a text that is nested too deep for Python to read.
    """
    try:
        return json.loads(content, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError("a number is not finite")
    return number
