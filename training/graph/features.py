"""From raw application values to columns of the design matrix, as an ONNX graph.

The graph is the first step of the fitted pipeline too, so training and serving cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain, zip_longest
from math import inf, isnan, nan
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from onnx import TensorProto
from sklearn.base import BaseEstimator, TransformerMixin

from scoreline.definition.expression import parse_expression
from scoreline.scoring.many_rows import run_rows
from training.graph.builder import GraphBuilder
from training.graph.expression import add_expression

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from scoreline.core.contract import Contract
    from scoreline.core.features import DerivedFeature, Feature

# A run keeps the tensors between nodes: more rows at once would take many times their size.
ROWS_PER_RUN = 1 << 14
DIRECTIONS = {"increasing": 1, "decreasing": -1, None: 0}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the design matrix.

    `source` is the position of its feature among the contract's sources. `value` is the category
    code or special code that an indicator stands for, NaN for a missing value, None for an amount.
    """

    name: str
    source: int
    value: float | None = None
    direction: int = 0

    @property
    def missing(self) -> bool:
        """Whether the column indicates a missing value."""
        return self.value is not None and isnan(self.value)


def columns_of(contract: Contract, *, missing_indicators: bool) -> list[Column]:
    """The columns: amounts, indicators of categories and special codes, then of missing values.

    Parameters
    ----------
    missing_indicators : whether missing amounts get an indicator, for algorithms that reject NaN
    """
    amounts: list[Column] = []
    indicators: list[Column] = []
    missing: list[Column] = []
    for position, source in enumerate(contract.sources):
        direction = DIRECTIONS[source.monotone]
        if not _is_category(source):
            amounts.append(Column(source.name, position, None, direction))
        states = _states(source)
        indicators.extend(Column(f"{source.name}={s}", position, code) for s, code in states)
        if getattr(source, "nullable", True) and (missing_indicators or _is_category(source)):
            missing.append(Column(f"{source.name} missing", position, nan))
    return amounts + indicators + missing


def _is_category(source: Feature | DerivedFeature) -> bool:
    return getattr(source, "type", "number") == "category"


def _states(source: Feature | DerivedFeature) -> list[tuple[str, float]]:
    """States of a source other than an amount, with their codes: categories, special codes."""
    categories: Sequence[str] = getattr(source, "categories", ())
    specials: dict[str, float] = getattr(source, "special_codes", None) or {}
    return [(c, float(code)) for code, c in enumerate(categories)] + list(specials.items())


@dataclass(frozen=True, slots=True)
class Sources:
    """Tensors of the sources' values, float32, NaN for missing.

    Attributes
    ----------
    amounts : the same as `values`, except that special codes are missing
    axis : along which the sources lie; 1 for shape (n_rows, n_sources), which suits few rows, 0 for
        (n_sources, n_rows), which suits many
    """

    values: str
    amounts: str
    axis: int = 1


def add_sources(graph: GraphBuilder, contract: Contract, axis: int = 1) -> Sources:
    """Append the nodes from `X`, shape (n_rows, n_features), to the sources.

    A value that is not finite is missing, in features and in derived features.
    """
    given = "X" if axis else graph.transposed("X")
    raw = _finite(graph, given, axis)
    amounts = _without_specials(graph, raw, contract, axis)
    derived = _derived(graph, amounts, contract, axis)
    values = joined(graph, axis, raw, *derived)
    same = amounts == raw
    return Sources(values, values if same else joined(graph, axis, amounts, *derived), axis)


def add_columns(graph: GraphBuilder, sources: Sources, columns: Sequence[Column]) -> str:
    """Append the nodes from sources to columns, float32, along the axis of the sources.

    A special code is missing as an amount and present in its indicator.
    """
    axis = sources.axis
    amounts = [c.source for c in columns if c.value is None]
    parts = [gather(graph, sources.amounts, amounts, axis)]
    valued = [(c.source, c.value) for c in columns if c.value is not None and not c.missing]
    if valued:
        positions, codes = zip(*valued, strict=True)
        states = gather(graph, sources.values, positions, axis)
        parts.append(as_float(graph, graph.node("Equal", states, along(graph, codes, axis))))
    missing = [c.source for c in columns if c.missing]
    if missing:
        looked_at = gather(graph, sources.values, missing, axis)
        parts.append(as_float(graph, graph.node("IsNaN", looked_at)))
    return joined(graph, axis, *parts)


def along(graph: GraphBuilder, values: ArrayLike, axis: int) -> str:
    """A constant with one value per position along an axis."""
    return graph.constant(np.expand_dims(np.asarray(values, np.float32), 1 - axis))


def _derived(graph: GraphBuilder, amounts: str, contract: Contract, axis: int) -> list[str]:
    if not contract.derived:
        return []
    parsed = [parse_expression(derived.expression) for derived in contract.derived]
    used = set().union(*(expression.names for expression in parsed))
    tensors = {
        feature.name: gather(graph, amounts, [position], axis)
        for position, feature in enumerate(contract.features)
        if feature.name in used
    }
    inputs = inputs_given(contract)
    for derived, expression in zip(contract.derived, parsed, strict=True):
        value = _finite(graph, add_expression(graph, expression, tensors), axis)
        if isinstance(derived.undefined, float | int):
            made_of = [tensors[name] for name in inputs[derived.name]]
            value = _with_default(graph, value, made_of, derived.undefined)
        tensors[derived.name] = value
    return [tensors[derived.name] for derived in contract.derived]


def _with_default(graph: GraphBuilder, value: str, made_of: Sequence[str], default: float) -> str:
    """A number in place of an undefined value; a missing one stays missing."""
    replacement = graph.constant(default)
    for tensor in made_of:  # a number minus itself is 0, and NaN minus itself is NaN
        replacement = graph.node("Add", replacement, graph.node("Sub", tensor, tensor))
    return graph.node("Where", graph.node("IsNaN", value), replacement, value)


def _without_specials(graph: GraphBuilder, raw: str, contract: Contract, axis: int) -> str:
    """Replace special codes by NaN: one comparison for all first codes, one for all second ones."""
    for codes in zip_longest(*(feature.specials for feature in contract.features), fillvalue=nan):
        matches = graph.node("Equal", raw, along(graph, codes, axis))
        raw = graph.node("Where", matches, graph.constant(nan), raw)
    return raw


def _finite(graph: GraphBuilder, tensor: str, axis: int) -> str:
    """Replace infinity by NaN."""
    if axis:
        # One node is fastest on few rows: the remainder of a division by infinity.
        return graph.node("Mod", tensor, graph.constant(inf), fmod=1)
    # Two cheap nodes are faster on many rows: infinity minus itself is NaN.
    return graph.node("Add", tensor, graph.node("Sub", tensor, tensor))


def joined(graph: GraphBuilder, axis: int, *tensors: str) -> str:
    """The tensors one after the other along an axis."""
    return graph.node("Concat", *tensors, axis=axis) if len(tensors) > 1 else tensors[0]


def gather(graph: GraphBuilder, tensor: str, positions: ArrayLike, axis: int) -> str:
    """The values at some positions along an axis."""
    return graph.node("Gather", tensor, graph.constant(positions, np.int64), axis=axis)


def as_float(graph: GraphBuilder, tensor: str) -> str:
    """A tensor of truth values as 0 and 1."""
    return graph.node("Cast", tensor, to=TensorProto.FLOAT)


def given(graph: GraphBuilder, tensor: str) -> str:
    """Whether values are there, as truth values."""
    return graph.node("Not", graph.node("IsNaN", tensor))


def inputs_given(contract: Contract) -> dict[str, list[str]]:
    """Derived feature -> the sources without whose values it is missing, not undefined.

    These are the features that it is made of, also through another derived one, except that a
    derived feature whose definition says what an undefined value means counts by its own value.
    """
    found: dict[str, list[str]] = {}
    declared = {derived.name for derived in contract.derived if derived.undefined is not None}
    for derived in contract.derived:
        names = sorted(parse_expression(derived.expression).names)
        parts = ([n] if n in declared else found.get(n, [n]) for n in names)
        found[derived.name] = list(dict.fromkeys(chain.from_iterable(parts)))
    return found


class FeatureGraph(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # sklearn is untyped
    """First step of the pipeline: runs the feature graph on raw values.

    Parameters
    ----------
    contract : the model's contract
    missing_indicators : see `columns_of`
    """

    def __init__(self, contract: Contract, missing_indicators: bool = False) -> None:
        self.contract = contract
        self.missing_indicators = missing_indicators

    @cached_property
    def columns_(self) -> list[Column]:
        """The columns that `transform` returns, in order."""
        return columns_of(self.contract, missing_indicators=self.missing_indicators)

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        graph = GraphBuilder()
        tensor = add_columns(graph, add_sources(graph, self.contract), self.columns_)
        model = graph.model(
            {"X": len(self.contract.features)}, {"columns": (tensor, len(self.columns_))}
        )
        return onnxruntime.InferenceSession(model.SerializeToString())

    def fit(self, X: NDArray[np.float32], y: Any = None) -> FeatureGraph:
        """Nothing to learn."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Columns of raw rows, (n_rows, n_features) -> (n_rows, n_columns), float32."""
        rows = np.asarray(X, np.float32)
        [columns] = run_rows(self._session, rows, ["columns"], rows_per_run=ROWS_PER_RUN)
        return columns
