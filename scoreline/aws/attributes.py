"""Attributes of DynamoDB, each an object of its type and value, and plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def typed(strings: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The attributes of a key, or of an item, of strings."""
    return {name: {"S": value} for name, value in strings.items()}


def plain(attribute: Mapping[str, Any]) -> Any:
    """The value of an attribute; numbers as int or float, sets as lists, binaries in base64.

    Examples
    --------
    >>> plain({"M": {"credits": {"N": "3"}, "debt": {"N": "1.5"}}})
    {'credits': 3, 'debt': 1.5}
    """
    [(kind, value)] = attribute.items()
    match kind:
        case "M":
            return {name: plain(member) for name, member in value.items()}
        case "L":
            return [plain(member) for member in value]
        case "N":
            return _number(value)
        case "NS":
            return [_number(number) for number in value]
        case "NULL":
            return None
    return value


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number
