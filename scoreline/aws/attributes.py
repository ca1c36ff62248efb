"""Converts between DynamoDB's typed attributes and plain values, without boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def typed(strings: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The attributes of strings, for example of a key."""
    return {name: {"S": value} for name, value in strings.items()}


def plain(attribute: Mapping[str, Any]) -> Any:
    """The value of an attribute. Numbers are int or float, sets are lists, binaries are base64.

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
