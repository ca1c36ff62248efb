"""What follows from the ranges of a definition for derived features, before anything is fitted."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from math import exp, inf, isnan, log
from typing import TYPE_CHECKING

from scoreline.core.features import FLOAT32_MAX
from scoreline.definition.expression import parse_expression

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scoreline.core.contract import Contract
    from scoreline.core.features import DerivedFeature, Monotone

DIRECTIONS = {"increasing": 1, "decreasing": -1}
# Beyond it, exp is infinite.
LARGEST_EXPONENT = 709.0


@dataclass(frozen=True, slots=True)
class Range:
    """The values that an expression may take, and how they move with each feature.

    Attributes
    ----------
    low, high : ends of the range; the values lie within them, but need not reach them
    signs : feature -> 1 where the value never falls as the feature rises, -1 where it never rises,
        None where it may do either; a feature that is not there has no influence
    undefined : parts of the expression that may have no value, each with the reason
    """

    low: float
    high: float
    signs: Mapping[str, int | None]
    undefined: tuple[str, ...] = ()


def derived_warnings(contract: Contract) -> Iterator[str]:
    """Warnings for derived features that may be undefined or lose the direction of a feature."""
    known = _features(contract)
    directions = {f.name: f.monotone for f in contract.features if f.monotone is not None}
    for derived in contract.derived:
        found = _range(parse_expression(derived.expression).tree, known)
        if derived.undefined is None:
            for reason in dict.fromkeys(found.undefined):
                yield f"derived.{derived.name}: {reason} within the declared ranges"
        for name, direction in directions.items():
            if name in found.signs:
                yield from _lost(name, direction, derived.name, derived.monotone, found.signs[name])
        known[derived.name] = _value(derived, found)


def may_be_undefined(contract: Contract) -> set[str]:
    """Derived features that may have no value though all that they are made of have one.

    Values that float32 cannot hold are undefined too, as is what is made of an undefined value.
    """
    known = _features(contract)
    undefined: set[str] = set()
    for derived in contract.derived:
        expression = parse_expression(derived.expression)
        is_defined = expression.names.isdisjoint(undefined) and all(
            _fits(_range(part, known)) for part in _parts(expression.tree, known)
        )
        if not is_defined and not isinstance(derived.undefined, float | int):
            undefined.add(derived.name)
        known[derived.name] = _value(derived, _range(expression.tree, known))
    return undefined


def _features(contract: Contract) -> dict[str, Range]:
    return {feature.name: Range(*feature.range, {feature.name: 1}) for feature in contract.features}


def _value(derived: DerivedFeature, found: Range) -> Range:
    """The range of a derived feature's value: a float32 number, or what stands for undefined."""
    low, high = (min(max(end, -FLOAT32_MAX), FLOAT32_MAX) for end in (found.low, found.high))
    if isinstance(derived.undefined, float | int):
        low, high = min(low, derived.undefined), max(high, derived.undefined)
    return Range(low, high, found.signs)


def _parts(tree: ast.expr, known: Mapping[str, Range]) -> Iterator[ast.expr]:
    """The expression and every part of it that has a value."""
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and not (isinstance(node, ast.Name) and node.id not in known):
            yield node


def _fits(found: Range) -> bool:
    return not found.undefined and -FLOAT32_MAX <= found.low <= found.high <= FLOAT32_MAX


def _lost(
    feature: str, direction: Monotone, derived: str, given: Monotone | None, sign: int | None
) -> Iterator[str]:
    """A warning if a feature's direction is not kept in a derived feature."""
    start = f"features.{feature}: its direction may be lost in derived.{derived}, which"
    if sign is None:
        yield f"{start} does not move one way as {feature} rises"
        return
    wanted = DIRECTIONS[direction] * sign
    needed = next(name for name, number in DIRECTIONS.items() if number == wanted)
    if given is None:
        yield f'{start} has no direction; monotone = "{needed}" keeps it'
    elif given != needed:
        yield f"{start} is {given}, where {needed} would keep it"


def _range(node: ast.expr, known: Mapping[str, Range]) -> Range:
    match node:
        case ast.Name(id=name):
            return known[name]
        case ast.Constant(value=int() | float() as number):
            return Range(float(number), float(number), {})
        case ast.UnaryOp(operand=operand):
            return _negative(_range(operand, known))
        case ast.BinOp(left=left, op=op, right=right):
            return _binary(op, _range(left, known), _range(right, known), right)
        case ast.Call(func=ast.Name(id=function), args=arguments):
            return _call(function, [_range(argument, known) for argument in arguments], arguments)
    raise AssertionError(ast.dump(node))  # parse_expression admits nothing else


def _binary(op: ast.operator, a: Range, b: Range, right: ast.expr) -> Range:
    match op:
        case ast.Add():
            low, high = a.low + b.low, a.high + b.high
            low, high = -inf if isnan(low) else low, inf if isnan(high) else high
            return Range(low, high, _both(a.signs, b.signs), _undefined(a, b))
        case ast.Sub():
            return _binary(ast.Add(), a, _negative(b), right)
        case ast.Mult():
            return _product(a, b)
        case ast.Div():
            return _product(a, _inverse(b, ast.unparse(right)))
    return _power(a, b, right)


def _product(a: Range, b: Range) -> Range:
    ends = [_times(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    signs = _both(_scaled(a.signs, _sign(b)), _scaled(b.signs, _sign(a)))
    return Range(min(ends), max(ends), signs, _undefined(a, b))


def _inverse(b: Range, text: str) -> Range:
    if b.low > 0 or b.high < 0:
        return Range(1 / b.high, 1 / b.low, _scaled(b.signs, -1), b.undefined)
    reasons = (*b.undefined, f"the denominator {text} may be 0")
    if b.low == 0 < b.high:
        return Range(1 / b.high, inf, _scaled(b.signs, -1), reasons)
    if b.high == 0 > b.low:
        return Range(-inf, 1 / b.low, _scaled(b.signs, -1), reasons)
    return Range(-inf, inf, dict.fromkeys(b.signs), reasons)


def _power(a: Range, b: Range, exponent: ast.expr) -> Range:
    """A power of a number that is never negative has a known direction; others have not."""
    if b.low != b.high or b.signs:
        return Range(-inf, inf, dict.fromkeys({**a.signs, **b.signs}), _undefined(a, b))
    power = b.low
    if power < 0:
        return _inverse(_power(a, _negative(b), exponent), "of a negative power")
    if a.low < 0:
        return _power_of_any(a, power)
    return Range(_raised(a.low, power), _raised(a.high, power), a.signs, _undefined(a, b))


def _power_of_any(a: Range, power: float) -> Range:
    """A power, not negative, of a number that may be negative."""
    largest = _raised(max(abs(a.low), abs(a.high)), power)
    undefined = a.undefined
    if power % 1:
        undefined = (*undefined, f"a number below 0, which has no power {power:g}, may occur")
    return Range(-largest, largest, dict.fromkeys(a.signs), undefined)


def _call(function: str, arguments: Sequence[Range], nodes: Sequence[ast.expr]) -> Range:
    first = arguments[0]
    if function == "log":
        reasons = first.undefined
        if first.low <= 0:
            reasons = (
                *reasons,
                f"{ast.unparse(nodes[0])} may be 0 or less, where log has no value",
            )
        low = log(first.low) if first.low > 0 else -inf
        return Range(low, log(first.high) if first.high > 0 else inf, first.signs, reasons)
    if function == "exp":
        low, high = (exp(min(end, LARGEST_EXPONENT)) for end in (first.low, first.high))
        return Range(low, high, first.signs, first.undefined)
    choose = max if function == "max" else min
    signs: dict[str, int | None] = {}
    for argument in arguments:
        signs = _both(signs, argument.signs)
    low, high = choose(a.low for a in arguments), choose(a.high for a in arguments)
    return Range(low, high, signs, _undefined(*arguments))


def _negative(a: Range) -> Range:
    return Range(-a.high, -a.low, _scaled(a.signs, -1), a.undefined)


def _undefined(*parts: Range) -> tuple[str, ...]:
    return tuple(reason for part in parts for reason in part.undefined)


def _sign(a: Range) -> int | None:
    """1 where the value is never below 0, -1 where it is never above 0."""
    return 1 if a.low >= 0 else -1 if a.high <= 0 else None


def _scaled(signs: Mapping[str, int | None], factor: int | None) -> dict[str, int | None]:
    return {
        name: None if sign is None or factor is None else sign * factor
        for name, sign in signs.items()
    }


def _both(one: Mapping[str, int | None], other: Mapping[str, int | None]) -> dict[str, int | None]:
    """Signs of a sum: known where both parts agree."""
    shared = {
        name: one[name] if one[name] == other[name] else None for name in one if name in other
    }
    return {**one, **other, **shared}


def _times(x: float, y: float) -> float:
    product = x * y
    return 0.0 if isnan(product) else product  # 0 times infinity


def _raised(value: float, power: float) -> float:
    try:
        return float(value**power)
    except OverflowError:
        return inf
