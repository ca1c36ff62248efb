"""Derived features: arithmetic written in a definition, turned into ONNX nodes."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scoreline.core.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.graph.builder import GraphBuilder

BINARY = {ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul", ast.Div: "Div", ast.Pow: "Pow"}
FUNCTIONS = {"log": "Log", "exp": "Exp"}
OF_MANY = {"max": "Max", "min": "Min"}
GRAMMAR = (
    "may hold feature names, numbers, + - * / **, log(), exp(), max() and min() of several, and "
    "parentheses"
)


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression; `names` are the features that it uses."""

    tree: ast.expr
    names: frozenset[str]

    def add_to(self, graph: GraphBuilder, tensors: Mapping[str, str]) -> str:
        """Append the nodes, each name fed from `tensors`; returns the result's tensor."""
        return _emit(self.tree, graph, tensors)


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
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            return _names(left) | _names(right)
        case ast.Call(func=ast.Name(id=function), args=[argument], keywords=[]) if (
            function in FUNCTIONS
        ):
            return _names(argument)
        case ast.Call(func=ast.Name(id=function), args=[_, _, *_] as arguments, keywords=[]) if (
            function in OF_MANY
        ):
            return set().union(*map(_names, arguments))
    raise DefinitionError(f"is not arithmetic: {GRAMMAR}")


def _emit(node: ast.expr, graph: GraphBuilder, tensors: Mapping[str, str]) -> str:
    match node:
        case ast.Name(id=name):
            return tensors[name]
        case ast.Constant(value=int() | float() as value):
            return graph.constant(value)
        case ast.UnaryOp(operand=operand):
            return graph.node("Neg", _emit(operand, graph, tensors))
        case ast.BinOp(left=left, op=op, right=right):
            inputs = (_emit(left, graph, tensors), _emit(right, graph, tensors))
            return graph.node(BINARY[type(op)], *inputs)
        case ast.Call(func=ast.Name(id=function), args=[argument]):
            return graph.node(FUNCTIONS[function], _emit(argument, graph, tensors))
        case ast.Call(func=ast.Name(id=function), args=arguments):
            of_many = [_emit(argument, graph, tensors) for argument in arguments]
            return graph.node(OF_MANY[function], *of_many)
    raise AssertionError("parse_expression lets nothing else through")
