"""Rows that are in given states, built from others: parity, sweeps and golden rows visit them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scoreline.definition.expression import parse_expression
from training.graph.states import MISSING, StateGraph, states_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from scoreline.core.contract import Contract
    from scoreline.core.features import Feature
    from training.graph.states import SourceState

# Values at which denominators and logarithms are often undefined, besides the ends of the range.
ROUND_VALUES = (0.0, 1.0, -1.0)


def feature_values(contract: Contract, rows: NDArray[np.float32]) -> Iterator[tuple[int, float]]:
    """Position of each feature, with a value for each of its states."""
    for state in states_of(contract):
        if state.source < len(contract.features):
            value = state.value
            if value is None:
                value = _number(contract.features[state.source], rows[:, state.source])
            yield state.source, value


def undefined_rows(contract: Contract, rows: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """For each derived feature that may be undefined, at most so many rows in which it is.

    Values of the features that it is made of are changed within their ranges: one to a round
    number, to an end of its range or to the value of another one, or all of them to one number.
    Rows are found for denominators and logarithms as people write them, not for all of them.

    Parameters
    ----------
    rows : of which copies are changed, shape (n_rows, n_features)
    """
    found = [np.empty((0, rows.shape[1]), np.float32)]
    for state in states_of(contract):
        is_derived = state.source >= len(contract.features)
        if is_derived and state.value is not None and state.name != MISSING:
            found.append(_undefined(contract, rows, state, most))
    return np.concatenate(found)


def _undefined(
    contract: Contract, rows: NDArray[np.float32], state: SourceState, most: int
) -> NDArray[np.float32]:
    inputs = _made_of(contract)[contract.sources[state.source].name]
    known = rows[:most].copy()
    for position in inputs:
        column = known[:, position]
        feature = contract.features[position]
        is_amount = ~np.isnan(column) & ~np.isin(column, np.array(feature.specials, np.float32))
        column[~is_amount] = _number(feature, rows[:, position])
    candidates = np.concatenate(list(_changed(contract, known, inputs)))
    return candidates[StateGraph(contract, [state]).rows(candidates)[:, 0]][:most]


def _made_of(contract: Contract) -> dict[str, list[int]]:
    """Derived feature -> positions of the features that it is made of, also through others."""
    found = {feature.name: [i] for i, feature in enumerate(contract.features)}
    for derived in contract.derived:
        names = parse_expression(derived.expression).names
        found[derived.name] = sorted({i for name in names for i in found[name]})
    return found


def _changed(
    contract: Contract, rows: NDArray[np.float32], inputs: Sequence[int]
) -> Iterator[NDArray[np.float32]]:
    """Copies of the rows with other amounts of the inputs."""
    for value in ROUND_VALUES:
        yield _with(contract, rows, dict.fromkeys(inputs, value))
    for position in inputs:
        for value in (*ROUND_VALUES, *contract.features[position].range):
            yield _with(contract, rows, {position: value})
        for other in inputs:
            yield _with(contract, rows, {position: rows[:, other]})


def _with(
    contract: Contract,
    rows: NDArray[np.float32],
    values: dict[int, float] | dict[int, NDArray[np.float32]],
) -> NDArray[np.float32]:
    changed = rows.copy()
    for position, value in values.items():
        changed[:, position] = _admitted(contract.features[position], np.asarray(value))
    return changed


def _admitted(feature: Feature, values: NDArray[np.floating]) -> NDArray[np.floating]:
    """The values, moved into the feature's range, and whole where it takes no others."""
    within = np.clip(values, *feature.range)
    return np.asarray(within if feature.type == "number" else np.rint(within))


def _number(feature: Feature, column: NDArray[np.float32]) -> float:
    """An amount of the feature: the first one in the column, or the one nearest to 0."""
    amounts = column[~np.isnan(column) & ~np.isin(column, np.array(feature.specials, np.float32))]
    return float(amounts[0]) if len(amounts) else float(_admitted(feature, np.asarray(0.0)))


def visiting_rows(contract: Contract, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Few rows that together are in every state that can be reached.

    The n-th row is in the n-th state of every feature; further rows are those of derived features
    that are undefined.
    """
    values: dict[int, list[float]] = {}
    for position, value in feature_values(contract, rows):
        values.setdefault(position, []).append(value)
    visits = np.array(
        [
            [values[position][n % len(values[position])] for position in sorted(values)]
            for n in range(max(map(len, values.values())))
        ],
        np.float32,
    )
    return np.concatenate([visits, undefined_rows(contract, rows, 1)])
