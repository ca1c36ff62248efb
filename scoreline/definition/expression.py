"""The arithmetic that a definition may write for a derived feature."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from scoreline.core.errors import DefinitionError

OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
FUNCTIONS = ("log", "exp")
FUNCTIONS_OF_SEVERAL = ("max", "min")
GRAMMAR = (
    "may hold feature names, numbers, + - * / **, log(), exp(), max() and min() of several, and "
    "parentheses"
)


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression; `names` are the features that it uses."""

    tree: ast.expr
    names: frozenset[str]


def parse_expression(text: str) -> Expression:
    """Parse arithmetic; anything else is a DefinitionError that says what is allowed."""
    try:
        tree = ast.parse(text, mode="eval").body
        names = frozenset(_names(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DefinitionError(f"is not arithmetic: {GRAMMAR}") from error
    if not names:
        raise DefinitionError(f"uses no feature: {GRAMMAR}")
    return Expression(tree, names)


def _names(node: ast.expr) -> set[str]:
    match node:
        case ast.Name(id=name):
            return {name}
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            return set()
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _names(operand)
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, OPERATORS):
            return _names(left) | _names(right)
        case ast.Call(func=ast.Name(id=function), args=[argument], keywords=[]) if (
            function in FUNCTIONS
        ):
            return _names(argument)
        case ast.Call(func=ast.Name(id=function), args=[_, _, *_] as arguments, keywords=[]) if (
            function in FUNCTIONS_OF_SEVERAL
        ):
            return set().union(*map(_names, arguments))
    raise DefinitionError(f"is not arithmetic: {GRAMMAR}")
