"""Which row of its table each group of leaves reaches, as ONNX nodes.

A column's value falls into a bin between the thresholds that the trees test it against. Each bin
adds something to the row numbers of the groups, so a row number is a sum over the columns. On few
rows of X, what the bins add is looked up; on many, adding up the conditions that hold is faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan, nan
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.graph.builder import GraphBuilder
    from training.graph.shapley_tables import Group


@dataclass(frozen=True, slots=True)
class Reading:
    """How a column that trees test follows from a column of the tensor that a graph has.

    So that a graph need not make the trees' columns where bins can tell their values. Values are
    rounded to float32, as the graph's are.

    Attributes
    ----------
    position : of the tensor's column
    value : what the column is an indicator of, NaN for a missing value; None: the column is the
        tensor's
    specials : values that are missing to it
    imputed : what stands for a missing value
    """

    position: int
    value: float | None = None
    specials: tuple[float, ...] = ()
    imputed: float = nan

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The column's values for some of the tensor's column."""
        if self.value is None:
            missing = np.isnan(values) | np.isin(values, np.asarray(self.specials, np.float32))
            return np.where(missing, np.float32(self.imputed), values)
        same = np.isnan(values) if isnan(self.value) else values == np.float32(self.value)
        return same.astype(float)

    def bounds(self, thresholds: NDArray[np.float64]) -> set[float]:
        """Values between which the column does not pass or leave any threshold."""
        if self.value is None:
            return set(thresholds.tolist()).union(*map(_edges, self.specials))
        return set() if isnan(self.value) else _edges(self.value)


def _edges(value: float) -> set[float]:
    """Itself and the next float32."""
    rounded = np.float32(value)
    return {float(rounded), float(np.nextafter(rounded, np.float32(inf)))}


BUNDLES = 8  # more make the table of the bins smaller and looking it up slower; measured


@dataclass(frozen=True, slots=True)
class _Bins:
    """What groups can tell apart in each column of a tensor.

    readings : of the columns that the groups test
    thresholds : of each column, sorted, minus infinity first; the bin of a value is the number of
        thresholds that it reaches, which is 0 for a missing value only
    """

    readings: Sequence[Reading]
    thresholds: Sequence[NDArray[np.float64]]

    @classmethod
    def of(cls, groups: Sequence[Group], readings: Sequence[Reading]) -> _Bins:
        found = [{-inf} for _ in range(1 + max(reading.position for reading in readings))]
        for group in groups:
            for axis, _ in group.axes:
                reading = readings[axis.column]
                found[reading.position] |= reading.bounds(axis.thresholds)
        return cls(readings, [np.array(sorted(own)) for own in found])

    @property
    def first(self) -> NDArray[np.int64]:
        """Number of each column's bin 0 among the bins of all columns, and how many there are."""
        return np.cumsum([0] + [1 + len(own) for own in self.thresholds])

    def rows_added(self, groups: Sequence[Group]) -> NDArray[np.unsignedinteger]:
        """What each bin adds to the number of each group's row, (n_bins, n_groups)."""
        first = self.first
        highest = max(group.n_rows for group in groups) - 1
        added = np.zeros((first[-1], len(groups)), np.min_scalar_type(highest))
        for g, group in enumerate(groups):
            for axis, stride in group.axes:
                reading = self.readings[axis.column]
                values = reading.of(np.array([nan, *self.thresholds[reading.position]]))
                own = slice(*first[reading.position : reading.position + 2])
                added[own, g] += (stride * axis.outcomes_of(values)).astype(added.dtype)
        return added


def row_numbers(
    graph: GraphBuilder, values: str, groups: Sequence[Group], readings: Sequence[Reading]
) -> str:
    """Row of the groups' joined tables that each reaches: int32 of shape (n_rows, 1, n_groups).

    What a bin adds to the numbers of a bundle of groups is one row of a table, equal rows being
    one: bundles test few of all thresholds.

    Parameters
    ----------
    values : float32 tensor of shape (n_rows, n_values), NaN for missing
    groups : a multiple of BUNDLES
    readings : of each column that the groups test, how it follows from `values`
    """
    bins = _Bins.of(groups, readings)
    n_values = len(bins.thresholds)
    bundles = np.concatenate(np.split(bins.rows_added(groups), BUNDLES, axis=1))
    distinct, number = np.unique(bundles, axis=0, return_inverse=True)
    numbers = graph.constant(number.reshape(BUNDLES, -1).T, np.int32)
    table = graph.constant(distinct, distinct.dtype)

    of_bundles = graph.node("Gather", numbers, _binned(graph, values, bins), axis=0)
    looked_up = graph.node("Gather", table, of_bundles, axis=0)
    shape = graph.constant([-1, n_values, len(groups)], np.int64)
    added = graph.node("Reshape", looked_up, shape)
    if distinct.dtype == np.uint8:
        ones = graph.constant(np.ones((1, n_values)), np.uint8)
        total = graph.node("MatMulInteger", ones, added)
    else:
        as_number = graph.node("Cast", added, to=TensorProto.FLOAT)
        sums = graph.node("MatMul", graph.constant(np.ones((1, n_values))), as_number)
        total = graph.node("Cast", sums, to=TensorProto.INT32)
    return graph.node("Add", total, graph.constant(_first_rows(groups), np.int32))


def _binned(graph: GraphBuilder, values: str, bins: _Bins) -> str:
    """Number of each column's bin among those of all columns: int32 (n_rows, n_values, 1)."""
    most = max(len(own) for own in bins.thresholds)
    padded = [np.pad(own, (0, most - len(own)), constant_values=nan) for own in bins.thresholds]
    upright = graph.node("Unsqueeze", values, graph.constant([2], np.int64))
    reached = graph.node("GreaterOrEqual", upright, graph.constant(padded))
    as_number = graph.node("Cast", reached, to=TensorProto.FLOAT)
    count = graph.node("MatMul", as_number, graph.constant(np.ones((most, 1))))
    number = graph.node("Add", count, graph.constant(bins.first[:-1, None]))
    return graph.node("Cast", number, to=TensorProto.INT32)


def row_numbers_in_blocks(
    graph: GraphBuilder, columns: str, blocks: Sequence[Sequence[Group]], n_columns: int
) -> list[str]:
    """For each block of groups the row of its joined tables: int64 of shape (n_groups, n_rows).

    Parameters
    ----------
    columns : float32 tensor of shape (n_columns, n_rows), so that vectors run along the rows of X
    """
    every = [group for block in blocks for group in block]
    bins = _Bins.of(every, [Reading(column) for column in range(n_columns)])
    steps = [_Steps.of(block, bins) for block in blocks]
    used = np.unique(np.concatenate([block.condition for block in steps], axis=None))
    holds = graph.node("Cast", _hold(graph, columns, bins, used), to=TensorProto.FLOAT)
    numbers = []
    for block in steps:
        items = np.searchsorted(used, block.condition)
        moved = picked_sums(graph, holds, items, block.change)
        rows = graph.node("Add", moved, graph.constant(block.missing_row[:, None]))
        numbers.append(graph.node("Cast", rows, to=TensorProto.INT64))
    return numbers


@dataclass(frozen=True, slots=True)
class _Steps:
    """How conditions move the row numbers of a block of groups.

    missing_row : (n_groups,), row of the joined tables if every column is missing
    condition : (n_steps, n_groups), numbers of conditions: that a value reaches a threshold, for
        the thresholds of all columns, and then that it is below
    change : (n_steps, n_groups), of the row if the condition holds; 0 in steps that a group lacks
    """

    missing_row: NDArray[np.int64]
    condition: NDArray[np.int64]
    change: NDArray[np.int64]

    @classmethod
    def of(cls, groups: Sequence[Group], bins: _Bins) -> _Steps:
        added = bins.rows_added(groups).astype(np.int64)
        both = [_changes(own) for own in np.split(added, bins.first[1:-1])]
        change = np.concatenate([*(reached for reached, _ in both), *(below for _, below in both)])
        n_steps = max(1, np.count_nonzero(change, axis=0).max())
        condition = np.argsort(change == 0, axis=0, kind="stable")[:n_steps]
        missing_row = _first_rows(groups) + added[bins.first[:-1]].sum(0)
        return cls(missing_row, condition, np.take_along_axis(change, condition, 0))


def _changes(added: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Changes of the row numbers from a missing value's by each threshold reached, or not reached.

    They lead up and down from a bin that adds what a missing value adds, so that few are needed.
    Without such a bin, they lead up from the lowest, to which every value moves first.

    added : (n_bins of a column, n_groups)
    """
    bin_number = np.arange(1, len(added))[:, None]
    start = 1 + np.argmax(added[1:] == added[0], axis=0)
    change = np.diff(added, axis=0)
    reached = np.where(bin_number > start, change, 0)
    reached[0] = np.take_along_axis(added, start[None], 0) - added[0]
    below = np.where((bin_number > 1) & (bin_number <= start), -change, 0)
    return reached, below


def _hold(graph: GraphBuilder, columns: str, bins: _Bins, conditions: NDArray[np.int64]) -> str:
    """Whether each of the conditions, sorted and numbered as in _Steps, holds: (n, n_rows)."""
    thresholds = np.concatenate(bins.thresholds)[:, None]
    column = np.repeat(np.arange(len(bins.thresholds)), [len(own) for own in bins.thresholds])

    def compared(operator: str, numbers: NDArray[np.int64]) -> str:
        values = graph.node("Gather", columns, graph.constant(column[numbers], np.int64), axis=0)
        return graph.node(operator, values, graph.constant(thresholds[numbers]))

    reached, below = np.split(conditions, [np.searchsorted(conditions, len(column))])
    both = compared("GreaterOrEqual", reached), compared("Less", below - len(column))
    return graph.node("Concat", *both, axis=0)


def _first_rows(groups: Sequence[Group]) -> NDArray[np.int64]:
    """Where each group's table starts when they are joined."""
    sizes = np.array([group.n_rows for group in groups])
    starts: NDArray[np.int64] = np.cumsum(sizes) - sizes
    return starts


def picked_sums(
    graph: GraphBuilder,
    tensor: str,
    items: NDArray[np.int64],
    factors: NDArray[np.int64] | None = None,
) -> str:
    """Sums of rows of `tensor`, each times its factor: row j of the result is over items[:, j].

    ReduceSum over few rows was seen to be eight times slower than the product with ones.
    """
    picked = graph.node("Gather", tensor, graph.constant(items.ravel(), np.int64), axis=0)
    if factors is not None:
        picked = graph.node("Mul", picked, graph.constant(factors.reshape(-1, 1)))
    length, n_sums = items.shape
    stacked = graph.node("Reshape", picked, graph.constant([length, -1], np.int64))
    sums = graph.node("MatMul", graph.constant(np.ones((1, length))), stacked)
    return graph.node("Reshape", sums, graph.constant([n_sums, -1], np.int64))
