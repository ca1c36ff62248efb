"""Rounds figures to significant digits."""

from __future__ import annotations

from typing import Any

DIGITS = 6


def rounded[T](value: T) -> T:
    """The same structure with its floats rounded to six significant digits."""
    found: T = _rounded(value)
    return found


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return value
