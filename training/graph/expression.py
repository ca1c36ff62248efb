"""Derived features as ONNX nodes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scoreline.definition.expression import Expression
    from training.graph.builder import GraphBuilder

OPERATORS = {ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul", ast.Div: "Div", ast.Pow: "Pow"}
FUNCTIONS = {"log": "Log", "exp": "Exp", "max": "Max", "min": "Min"}


def add_expression(graph: GraphBuilder, expression: Expression, tensors: Mapping[str, str]) -> str:
    """Append an expression's nodes, each name fed from `tensors`; returns the result's tensor."""
    return _add(expression.tree, graph, tensors)


def _add(node: ast.expr, graph: GraphBuilder, tensors: Mapping[str, str]) -> str:
    match node:
        case ast.Name(id=name):
            return tensors[name]
        case ast.Constant(value=int() | float() as value):
            return graph.constant(value)
        case ast.UnaryOp(operand=operand):
            return graph.node("Neg", _add(operand, graph, tensors))
        case ast.BinOp(left=left, op=op, right=right):
            left_tensor, right_tensor = (_add(side, graph, tensors) for side in (left, right))
            return graph.node(OPERATORS[type(op)], left_tensor, right_tensor)
        case ast.Call(func=ast.Name(id=function), args=arguments):
            inputs = [_add(argument, graph, tensors) for argument in arguments]
            return graph.node(FUNCTIONS[function], *inputs)
    raise AssertionError("parse_expression accepts nothing else")
