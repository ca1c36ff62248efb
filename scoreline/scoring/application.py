"""Encodes an application in JSON as a row of the graph, or names every rule that it breaks."""

from __future__ import annotations

from math import nan
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from scoreline.api.fields import FLAG, IDENTIFIER, REQUIRED, UNKNOWN, is_identifier
from scoreline.core.categories import CategoryCodes
from scoreline.core.contract import HELD
from scoreline.core.errors import (
    FeaturesInvalidError,
    FieldError,
    InvalidApplicationError,
    shown_name,
)
from scoreline.core.features import MAX_AMOUNT, UNSEEN_CATEGORY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scoreline.core.contract import Contract
    from scoreline.core.features import Feature

LOOKED_UP = "is looked up by customer_id and cannot be sent"

NOT_TEXT = "must be a string"
NOT_TEXT_OR_NUMBER = "must be a string or a whole number"
EMPTY = "must not be empty; null stands for a missing value"
NOT_BOOLEAN = FLAG.rule
NOT_FINITE = "must be finite"
NOT_INTEGER = "must be an integer"

NO_HISTORY: Mapping[str, Any] = MappingProxyType({})


class BrokenRuleError(Exception):
    """A value breaks a rule; the message is the rule."""


class ApplicationEncoder:
    """Checks applications against a contract and encodes them as rows of float32 values.

    Numbers stay, booleans become 0 and 1, categories their places in the list, and missing values
    NaN. The products that a customer holds are checked, but are not part of the row.
    """

    def __init__(self, contract: Contract) -> None:
        self._encoders = [(f.name, _encoder(f), f.nullable) for f in contract.features]
        self._aliases = {alias: f.name for f in contract.features for alias in f.aliases}
        self._products = {label.name for label in contract.labels}
        self._held_rule = held_rule(contract)
        self._online = {f.name: i for i, f in enumerate(contract.features) if f.online}
        self._known = {
            "id",
            *(f.name for f in contract.features if not f.online),
            *([HELD] if self._products else []),
        }

    def encode(
        self, application: Mapping[str, Any], history: Mapping[str, Any] = NO_HISTORY
    ) -> list[float]:
        """The row of an application.

        Parameters
        ----------
        history : online features of the customer, as far as they are known

        Raises
        ------
        InvalidApplicationError
            Every broken rule of the application.
        FeaturesInvalidError
            A value of the history breaks the contract, because the table holds another one's.
        """
        if self._aliases:
            application = self.canonical(application)
        row: list[float] = []
        broken: list[FieldError] = []
        for name, encode, nullable in self._encoders:
            value = application.get(name)
            if value is None:
                if not nullable:
                    broken.append(FieldError(name, REQUIRED))
                row.append(nan)
                continue
            try:
                row.append(encode(value))
            except BrokenRuleError as error:
                broken.append(FieldError(name, str(error)))
        # Unknown fields come last, in the order in which the client sent them.
        broken.extend(self._other_errors(application))
        if broken:
            raise InvalidApplicationError("the application breaks the contract", tuple(broken))
        if history:
            self._fill_in(row, history)
        return row

    def canonical(self, application: Mapping[str, Any]) -> Mapping[str, Any]:
        """The application with its features' own names; an alias given in addition stays."""
        if self._aliases.keys().isdisjoint(application):
            return application
        named = dict(application)
        for alias, name in self._aliases.items():
            if alias in named and name not in named:
                named[name] = named.pop(alias)
        return named

    def _fill_in(self, row: list[float], history: Mapping[str, Any]) -> None:
        for name, position in self._online.items():
            value = history.get(name)
            if value is not None:
                try:
                    row[position] = self._encoders[position][1](value)
                except BrokenRuleError as error:
                    raise FeaturesInvalidError(f"online feature {name}: {error}") from None

    def _other_errors(self, application: Mapping[str, Any]) -> list[FieldError]:
        broken = [self._unknown(name) for name in application if name not in self._known]
        if HELD in self._known and not self._are_products(application.get(HELD, [])):
            broken.append(FieldError(HELD, self._held_rule))
        if "id" in application and not is_identifier(application["id"]):
            broken.append(FieldError("id", IDENTIFIER.rule))
        return broken

    def _unknown(self, name: str) -> FieldError:
        if name in self._aliases:
            return FieldError(self._aliases[name], f"is given twice, as {name} too")
        return FieldError(shown_name(name), LOOKED_UP if name in self._online else UNKNOWN)

    def _are_products(self, held: Any) -> bool:
        return isinstance(held, list) and all(
            isinstance(product, str) and product in self._products for product in held
        )


def _encoder(feature: Feature) -> Callable[[Any], float]:
    if feature.type == "category":
        return _category_encoder(feature)
    if feature.type == "boolean":
        return _encode_boolean
    return _number_encoder(feature)


def _category_encoder(feature: Feature) -> Callable[[Any], float]:
    codes = CategoryCodes(feature)
    exact, numbers = codes.exact, codes.numbers
    refuse = feature.unseen == "refuse"
    kind, rule = text_rule(codes), category_rule(feature)

    def encode(value: Any) -> float:
        if isinstance(value, str):
            code = exact.get(value)  # nearly always; `codes` is for other spellings
            if code is None:
                if codes.is_blank(value):
                    raise BrokenRuleError(EMPTY)
                code = codes.code(value)
        elif numbers and _is_whole_number(value):
            code = numbers.get(value, UNSEEN_CATEGORY)
        else:
            raise BrokenRuleError(kind)
        if refuse and code == UNSEEN_CATEGORY:
            raise BrokenRuleError(rule)
        return code

    return encode


def _is_whole_number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def _encode_boolean(value: Any) -> float:
    if not isinstance(value, bool):
        raise BrokenRuleError(NOT_BOOLEAN)
    return float(value)


def _number_encoder(feature: Feature) -> Callable[[Any], float]:
    low, high = feature.range
    specials = frozenset(feature.specials)
    integer = feature.type == "integer"
    kind, rule = number_rule(feature), range_rule(feature)

    def encode(value: Any) -> float:
        # Not isinstance: True is an int, and a boolean is not an amount.
        if type(value) is not int and type(value) is not float:
            raise BrokenRuleError(kind)
        if value in specials:
            return float(value)
        if not low <= value <= high:
            raise BrokenRuleError(rule if abs(value) < float("inf") else NOT_FINITE)
        if integer and value != int(value):
            raise BrokenRuleError(NOT_INTEGER)
        return float(value)

    return encode


def held_rule(contract: Contract) -> str:
    """The rule for the products that a customer holds."""
    products = ", ".join(sorted(label.name for label in contract.labels))
    return f"must be a list of products, each one of: {products}"


def text_rule(codes: CategoryCodes) -> str:
    """The rule for the type of a category."""
    return NOT_TEXT_OR_NUMBER if codes.numbers else NOT_TEXT


def category_rule(feature: Feature) -> str:
    """The rule for a category that refuses unseen values."""
    return "must be one of: " + ", ".join(feature.categories)


def number_rule(feature: Feature) -> str:
    """The rule for the type of a number."""
    return NOT_INTEGER if feature.type == "integer" else "must be a number"


def range_rule(feature: Feature) -> str:
    """The rule for the range of a number, and its special codes."""
    bounds = []
    if feature.minimum is not None:
        bounds.append(f"at least {feature.minimum:.15g}")
    if feature.maximum is not None:
        bounds.append(f"at most {feature.maximum:.15g}")
    rule = "must be " + (" and ".join(bounds) or f"within {MAX_AMOUNT:g} of 0")
    if feature.special_codes:
        codes = ", ".join(f"{code:.15g} ({name})" for name, code in feature.special_codes.items())
        rule += f", or a special code: {codes}"
    return rule
