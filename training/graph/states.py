"""The states that the sources of a model can be in, and nodes that say which of them a row is in.

Training counts the fitted rows of each state with the nodes that the exported graph has for the
states without enough of them, so both mean the same by a state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan, nan
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from scoreline.core.contract import UNLEARNED, State
from scoreline.core.features import UNSEEN_CATEGORY, DerivedFeature
from scoreline.definition.derived_warnings import may_be_undefined
from scoreline.scoring.many_rows import run_rows
from training.graph.builder import GraphBuilder
from training.graph.features import (
    ROWS_PER_RUN,
    add_sources,
    along,
    as_float,
    gather,
    given,
    inputs_given,
    joined,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from scoreline.core.contract import Contract
    from scoreline.core.features import Feature
    from training.graph.features import Sources

NUMBER, MISSING, UNDEFINED, NOT_LISTED = "number", "missing", "undefined", "not listed"
RESERVED = (NUMBER, MISSING, UNDEFINED, NOT_LISTED)


@dataclass(frozen=True, slots=True)
class SourceState:
    """A state of a source.

    Attributes
    ----------
    source : position of the feature or derived feature among the contract's sources
    name : as in answers and in the report
    value : category code or special code of the state; None for a number, NaN for none
    """

    source: int
    name: str
    value: float | None = None


def states_of(contract: Contract) -> list[SourceState]:
    """Every state that the contract admits, in the order of the sources.

    A derived feature is missing where a feature that it is made of is, so that state is counted
    there and not again.
    """
    undefined = may_be_undefined(contract)
    return [
        state
        for position, source in enumerate(contract.sources)
        for state in (
            _of_derived(position, source, undefined=source.name in undefined)
            if isinstance(source, DerivedFeature)
            else _of_feature(position, source)
        )
    ]


def _of_derived(
    position: int, derived: DerivedFeature, *, undefined: bool
) -> Iterator[SourceState]:
    yield SourceState(position, NUMBER)
    if undefined:
        name = MISSING if derived.undefined == MISSING else UNDEFINED
        yield SourceState(position, name, nan)


def _of_feature(position: int, feature: Feature) -> Iterator[SourceState]:
    if feature.type == "category":
        for code, category in enumerate(feature.categories):
            yield SourceState(position, _distinct(category, "category"), float(code))
        if feature.unseen == "accept":
            yield SourceState(position, NOT_LISTED, UNSEEN_CATEGORY)
    elif feature.type == "boolean":
        yield SourceState(position, "false", 0.0)
        yield SourceState(position, "true", 1.0)
    else:
        yield SourceState(position, NUMBER)
    for meaning, number in (feature.special_codes or {}).items():
        yield SourceState(position, _distinct(meaning, "code"), number)
    if feature.nullable:
        yield SourceState(position, MISSING, nan)


def _distinct(name: str, kind: str) -> str:
    """The name of a category or code, which may be called like another state of its feature."""
    return f"{kind} {name}" if name in RESERVED else name


def with_unlearned(contract: Contract, rows: Sequence[int], min_rows: int) -> Contract:
    """The contract with the states that fewer than `min_rows` fitted rows are in.

    Parameters
    ----------
    rows : fitted rows of each state of `states_of`
    """
    unlearned = tuple(
        State(contract.sources[state.source].name, state.name)
        for state, count in zip(states_of(contract), rows, strict=True)
        if count < min_rows
    )
    return replace(contract, unlearned=unlearned)


def unlearned_output(
    graph: GraphBuilder, sources: Sources, contract: Contract
) -> dict[str, tuple[str, int]]:
    """The output `unlearned`, shape (n_rows, n_states): 1 where a row is in an unlearned state.

    A model without unlearned states has no such output.
    """
    if not contract.unlearned:
        return {}
    states = _unlearned(contract)
    return {UNLEARNED: (add_states(graph, sources, contract, states), len(states))}


def in_unlearned_state(contract: Contract, X: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether raw rows are in an unlearned state, shape (n_rows,)."""
    if not contract.unlearned:
        return np.zeros(len(X), bool)
    return StateGraph(contract, _unlearned(contract)).rows(X).any(axis=1)


def _unlearned(contract: Contract) -> list[SourceState]:
    named = {State(contract.sources[s.source].name, s.name): s for s in states_of(contract)}
    return [named[state] for state in contract.unlearned]


def add_states(
    graph: GraphBuilder, sources: Sources, contract: Contract, states: Sequence[SourceState]
) -> str:
    """Append the nodes from sources to float32 of shape (n_rows, n_states), 1 for rows in a state.

    Parameters
    ----------
    states : at least one
    """
    axis = sources.axis
    kinds: dict[str, list[int]] = {}
    for number, state in enumerate(states):
        kinds.setdefault(_kind(contract, state), []).append(number)
    parts = [
        _NODES[kind](graph, sources, contract, [states[i] for i in numbers])
        for kind, numbers in kinds.items()
    ]
    found = as_float(graph, joined(graph, axis, *parts))
    order = [number for numbers in kinds.values() for number in numbers]
    if order != sorted(order):
        found = gather(graph, found, np.argsort(order), axis)
    return found if axis else graph.transposed(found)


def _kind(contract: Contract, state: SourceState) -> str:
    if state.value is None:
        return NUMBER
    if not isnan(state.value):
        return "value"
    is_derived = state.source >= len(contract.features)
    return UNDEFINED if is_derived and state.name == UNDEFINED else MISSING


def _numbers(
    graph: GraphBuilder, sources: Sources, _contract: Contract, states: Sequence[SourceState]
) -> str:
    return given(graph, gather(graph, sources.amounts, [s.source for s in states], sources.axis))


def _values(
    graph: GraphBuilder, sources: Sources, _contract: Contract, states: Sequence[SourceState]
) -> str:
    values = gather(graph, sources.values, [state.source for state in states], sources.axis)
    codes = along(graph, [state.value for state in states if state.value is not None], sources.axis)
    return graph.node("Equal", values, codes)


def _missing(
    graph: GraphBuilder, sources: Sources, _contract: Contract, states: Sequence[SourceState]
) -> str:
    values = gather(graph, sources.values, [state.source for state in states], sources.axis)
    return graph.node("IsNaN", values)


def _undefined(
    graph: GraphBuilder, sources: Sources, contract: Contract, states: Sequence[SourceState]
) -> str:
    """Derived features without a value though all that they are made of have one."""
    positions = {source.name: i for i, source in enumerate(contract.sources)}
    inputs = inputs_given(contract)
    parts = []
    for state in states:
        names = inputs[contract.sources[state.source].name]
        made_of = gather(graph, sources.amounts, [positions[n] for n in names], sources.axis)
        known = graph.node(
            "ReduceSum",
            graph.node("Sub", made_of, made_of),
            graph.constant([sources.axis], np.int64),
            keepdims=1,
        )
        value = gather(graph, sources.amounts, [state.source], sources.axis)
        parts.append(graph.node("And", graph.node("IsNaN", value), given(graph, known)))
    return joined(graph, sources.axis, *parts)


_NODES = {NUMBER: _numbers, "value": _values, MISSING: _missing, UNDEFINED: _undefined}


class StateGraph:
    """Runs the nodes of states on raw rows.

    Parameters
    ----------
    states : of the contract; all of them by default
    """

    def __init__(self, contract: Contract, states: Sequence[SourceState] | None = None) -> None:
        self.contract = contract
        self.states = states_of(contract) if states is None else states

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        graph = GraphBuilder()
        tensor = add_states(graph, add_sources(graph, self.contract), self.contract, self.states)
        model = graph.model(
            {"X": len(self.contract.features)}, {"states": (tensor, len(self.states))}
        )
        return onnxruntime.InferenceSession(model.SerializeToString())

    def rows(self, X: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether each row is in each state, shape (n_rows, n_states)."""
        [found] = run_rows(self._session, X, ["states"], rows_per_run=ROWS_PER_RUN)
        return np.asarray(found == 1)

    def count(self, X: NDArray[np.float32]) -> tuple[int, ...]:
        """The number of rows in each state."""
        total = np.zeros(len(self.states), np.int64)
        for start in range(0, len(X), ROWS_PER_RUN):
            total += self.rows(X[start : start + ROWS_PER_RUN]).sum(axis=0)
        return tuple(total.tolist())
