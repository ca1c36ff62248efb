"""From raw application values to model columns, as a graph that training and serving both run.

The fitted pipeline's first step is this very graph, so training and serving cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from math import inf, isnan, nan
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from onnx import TensorProto
from sklearn.base import BaseEstimator, TransformerMixin

from training.expression import parse_expression
from training.graph import GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from functions.shared.contract import Contract, DerivedFeature, Feature

DIRECTIONS = {"increasing": 1, "decreasing": -1, None: 0}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the design matrix.

    `source` is the position of its feature among the contract's sources; `value` is the category
    code or special code that an indicator stands for (NaN: the value is missing), None for amounts.
    """

    name: str
    source: int
    value: float | None = None
    direction: int = 0

    @property
    def missing(self) -> bool:
        """Whether it is the indicator of a missing value."""
        return self.value is not None and isnan(self.value)


def columns_of(contract: Contract, *, missing_indicators: bool) -> list[Column]:
    """The columns: amounts, indicators of categories and special codes, then of missing values.

    Parameters
    ----------
    missing_indicators : whether missing amounts get an indicator, for algorithms that take no NaN
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
    """What a source can be instead of an amount, with its code: categories, special codes."""
    categories: Sequence[str] = getattr(source, "categories", ())
    specials: dict[str, float] = getattr(source, "special_codes", None) or {}
    return [(c, float(code)) for code, c in enumerate(categories)] + list(specials.items())


@dataclass(frozen=True, slots=True)
class Sources:
    """Tensors of shape (n_rows, n_sources), float32: values of the sources, NaN for missing.

    amounts : the same, but for special codes, which are missing as amounts
    """

    values: str
    amounts: str


def add_sources(graph: GraphBuilder, contract: Contract) -> Sources:
    """Append the nodes from `X` (n_rows, n_features) to the sources.

    A value that is not finite is missing, in a feature and in what is derived from it.
    """
    raw = _finite(graph, "X")
    amounts = _without_specials(graph, raw, contract)
    derived = _derived(graph, amounts, contract)
    values = _beside(graph, raw, *derived)
    return Sources(values, values if amounts == raw else _beside(graph, amounts, *derived))


def add_columns(graph: GraphBuilder, sources: Sources, columns: Sequence[Column]) -> str:
    """Append the nodes from sources to columns (n_rows, n_columns), float32.

    A special code is missing as an amount and present in its indicator.
    """
    parts = [_gather(graph, sources.amounts, [c.source for c in columns if c.value is None])]
    valued = [(c.source, c.value) for c in columns if c.value is not None and not c.missing]
    if valued:
        positions, codes = zip(*valued, strict=True)
        states = _gather(graph, sources.values, positions)
        parts.append(_as_float(graph, graph.node("Equal", states, graph.constant([codes]))))
    missing = [c.source for c in columns if c.missing]
    if missing:
        looked_at = _gather(graph, sources.values, missing)
        parts.append(_as_float(graph, graph.node("IsNaN", looked_at)))
    return _beside(graph, *parts)


def _derived(graph: GraphBuilder, amounts: str, contract: Contract) -> list[str]:
    if not contract.derived:
        return []
    parsed = [parse_expression(derived.expression) for derived in contract.derived]
    used = set().union(*(expression.names for expression in parsed))
    tensors = {
        feature.name: _gather(graph, amounts, [position])
        for position, feature in enumerate(contract.features)
        if feature.name in used
    }
    for derived, expression in zip(contract.derived, parsed, strict=True):
        tensors[derived.name] = _finite(graph, expression.add_to(graph, tensors))
    return [tensors[derived.name] for derived in contract.derived]


def _without_specials(graph: GraphBuilder, raw: str, contract: Contract) -> str:
    """Special codes become NaN: one comparison for all first codes, one for all second ones."""
    for codes in zip_longest(*(feature.specials for feature in contract.features), fillvalue=nan):
        matches = graph.node("Equal", raw, graph.constant([codes]))
        raw = graph.node("Where", matches, graph.constant(nan), raw)
    return raw


def _finite(graph: GraphBuilder, tensor: str) -> str:
    """NaN in place of infinity: what is left when whole multiples of infinity are taken away."""
    return graph.node("Mod", tensor, graph.constant(inf), fmod=1)


def _beside(graph: GraphBuilder, *tensors: str) -> str:
    return graph.node("Concat", *tensors, axis=1) if len(tensors) > 1 else tensors[0]


def _gather(graph: GraphBuilder, tensor: str, positions: Sequence[int]) -> str:
    return graph.node("Gather", tensor, graph.constant(positions, np.int64), axis=1)


def _as_float(graph: GraphBuilder, tensor: str) -> str:
    return graph.node("Cast", tensor, to=TensorProto.FLOAT)


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
        """The columns that `transform` returns, in their order."""
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
        """Nothing is learned."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Columns of raw rows: (n_rows, n_features) -> (n_rows, n_columns), float32."""
        [columns] = self._session.run(["columns"], {"X": np.asarray(X, np.float32)})
        return np.asarray(columns, np.float32)
