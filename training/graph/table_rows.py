"""ONNX nodes that find the row of its table that each group of leaves reaches.

A column's value falls into an interval between thresholds of the trees. Each interval adds a
constant to the row number of each group, so a row number is a sum over the columns. For few rows
of X the constants are looked up; for many rows, summing the conditions that hold is faster. See
"Finding the row" in docs/graph.md.
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
    from training.graph.shapley_tables import Rows


@dataclass(frozen=True, slots=True)
class Reading:
    """How a column of the design matrix follows from a column of the graph's tensor.

    With it, intervals of the raw values replace the design matrix, which the graph never computes.
    Values are rounded to float32, like the graph's.

    Attributes
    ----------
    position : of the tensor's column
    value : value that the column indicates, NaN for a missing one; None if it is an amount
    specials : values that count as missing
    imputed : replacement for a missing value
    """

    position: int
    value: float | None = None
    specials: tuple[float, ...] = ()
    imputed: float = nan

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values of the column for values of the tensor's column."""
        if self.value is None:
            missing = np.isnan(values) | np.isin(values, np.asarray(self.specials, np.float32))
            return np.where(missing, np.float32(self.imputed), values)
        same = np.isnan(values) if isnan(self.value) else values == np.float32(self.value)
        return same.astype(float)

    def bounds(self, thresholds: NDArray[np.float64]) -> set[float]:
        """Values between which the column crosses no threshold."""
        if self.value is None:
            return set(thresholds.tolist()).union(*map(_edges, self.specials))
        return set() if isnan(self.value) else _edges(self.value)


def _edges(value: float) -> set[float]:
    """The value and the next float32."""
    rounded = np.float32(value)
    return {float(rounded), float(np.nextafter(rounded, np.float32(inf)))}


BUNDLES = 8  # more bundles make the table smaller and the lookup slower; measured


@dataclass(frozen=True, slots=True)
class Intervals:
    """The intervals of each column of a tensor that groups distinguish.

    readings : of the columns that the groups test
    thresholds : of each column, sorted, minus infinity first; the interval of a value is the
        number of thresholds that it reaches, which is 0 for a missing value only
    """

    readings: Sequence[Reading]
    thresholds: Sequence[NDArray[np.float64]]

    @classmethod
    def of(cls, groups: Sequence[Rows], readings: Sequence[Reading]) -> Intervals:
        """The intervals between all thresholds that the groups test.

        Parameters
        ----------
        readings : of each column that the groups test
        """
        found = [{-inf} for _ in range(1 + max(reading.position for reading in readings))]
        for group in groups:
            for axis, _ in group.axes:
                reading = readings[axis.column]
                found[reading.position] |= reading.bounds(axis.thresholds)
        return cls(readings, [np.array(sorted(own)) for own in found])

    @property
    def first(self) -> NDArray[np.int64]:
        """Number of each column's interval 0 among those of all columns, and the total number."""
        return np.cumsum([0] + [1 + len(own) for own in self.thresholds])

    def rows_added(self, groups: Sequence[Rows]) -> NDArray[np.unsignedinteger]:
        """Number that each interval adds to each group's row, shape (n_intervals, n_groups)."""
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
    graph: GraphBuilder,
    values: str,
    groups: Sequence[Rows],
    readings: Sequence[Reading],
    *,
    bundles: int = BUNDLES,
    first_rows: NDArray[np.int64] | None = None,
) -> str:
    """Row of the groups' joined tables that each reaches: int32 of shape (n_rows, 1, n_groups).

    The numbers that an interval adds to a bundle of groups are one row of a table. Equal rows are
    stored once: a bundle tests few of all thresholds, so most intervals add the same.

    Parameters
    ----------
    values : float32 tensor of shape (n_rows, n_values), NaN for missing
    groups : a multiple of `bundles`
    readings : of each column that the groups test, how it follows from `values`
    first_rows : of each group in the joined tables, if these do not follow one another
    """
    intervals = Intervals.of(groups, readings)
    n_values = len(intervals.thresholds)
    by_bundle = np.concatenate(np.split(intervals.rows_added(groups), bundles, axis=1))
    distinct, number = np.unique(by_bundle, axis=0, return_inverse=True)
    numbers = graph.constant(number.reshape(bundles, -1).T, np.int32)
    table = graph.constant(distinct, distinct.dtype)

    of_bundles = graph.node("Gather", numbers, _interval_numbers(graph, values, intervals), axis=0)
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
    starts = _first_rows(groups) if first_rows is None else first_rows
    return graph.node("Add", total, graph.constant(starts, np.int32))


def _interval_numbers(graph: GraphBuilder, values: str, intervals: Intervals) -> str:
    """Each column's interval, numbered over all columns: int32 (n_rows, n_values, 1)."""
    thresholds = intervals.thresholds
    most = max(len(own) for own in thresholds)
    # No value reaches NaN, so padding adds nothing to the count.
    padded = [np.pad(own, (0, most - len(own)), constant_values=nan) for own in thresholds]
    upright = graph.node("Unsqueeze", values, graph.constant([2], np.int64))
    reached = graph.node("GreaterOrEqual", upright, graph.constant(padded))
    as_number = graph.node("Cast", reached, to=TensorProto.FLOAT)
    count = graph.node("MatMul", as_number, graph.constant(np.ones((most, 1))))
    number = graph.node("Add", count, graph.constant(intervals.first[:-1, None]))
    return graph.node("Cast", number, to=TensorProto.INT32)


def row_numbers_in_blocks(
    graph: GraphBuilder,
    columns: str,
    blocks: Sequence[Sequence[Rows]],
    n_columns: int,
    first_rows: Sequence[NDArray[np.int64]] = (),
) -> list[str]:
    """For each block of groups, rows of its joined tables: int64 of shape (n_groups, n_rows).

    Parameters
    ----------
    columns : float32 tensor of shape (n_columns, n_rows): SIMD vectors run along the rows of X
    first_rows : for each block, of each group in its joined tables, if these do not follow one
        another
    """
    every = [group for block in blocks for group in block]
    intervals = Intervals.of(every, [Reading(column) for column in range(n_columns)])
    starts = first_rows or [_first_rows(block) for block in blocks]
    steps = [
        _Steps.of(block, intervals, first) for block, first in zip(blocks, starts, strict=True)
    ]
    used = np.unique(np.concatenate([block.condition for block in steps], axis=None))
    holds = graph.node("Cast", _hold(graph, columns, intervals, used), to=TensorProto.FLOAT)
    numbers = []
    for block in steps:
        items = np.searchsorted(used, block.condition)
        change = picked_sums(graph, holds, items, block.change)
        rows = graph.node("Add", change, graph.constant(block.missing_row[:, None]))
        numbers.append(graph.node("Cast", rows, to=TensorProto.INT64))
    return numbers


@dataclass(frozen=True, slots=True)
class _Steps:
    """Changes of the row numbers of a block of groups by conditions.

    missing_row : (n_groups,), row of the joined tables if every column is missing
    condition : (n_steps, n_groups), numbers of conditions. The first are that a value reaches a
        threshold, for the thresholds of all columns; then follow those that it is below
    change : (n_steps, n_groups), of the row if the condition holds; 0 where a group has fewer steps
    """

    missing_row: NDArray[np.int64]
    condition: NDArray[np.int64]
    change: NDArray[np.int64]

    @classmethod
    def of(
        cls, groups: Sequence[Rows], intervals: Intervals, first_rows: NDArray[np.int64]
    ) -> _Steps:
        added = intervals.rows_added(groups).astype(np.int64)
        both = [_changes(own) for own in np.split(added, intervals.first[1:-1])]
        change = np.concatenate([*(reached for reached, _ in both), *(below for _, below in both)])
        n_steps = max(1, np.count_nonzero(change, axis=0).max())
        condition = np.argsort(change == 0, axis=0, kind="stable")[:n_steps]
        missing_row = first_rows + added[intervals.first[:-1]].sum(0)
        return cls(missing_row, condition, np.take_along_axis(change, condition, 0))


def _changes(added: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Changes of the row numbers, from those of a missing value, by thresholds reached or not.

    The changes lead up and down from an interval that adds the same as a missing value, so that
    few are needed. Without such an interval they lead up from the lowest one.

    added : (n_intervals of a column, n_groups)
    """
    number = np.arange(1, len(added))[:, None]
    start = 1 + np.argmax(added[1:] == added[0], axis=0)
    change = np.diff(added, axis=0)
    reached = np.where(number > start, change, 0)
    reached[0] = np.take_along_axis(added, start[None], 0) - added[0]
    below = np.where((number > 1) & (number <= start), -change, 0)
    return reached, below


def _hold(
    graph: GraphBuilder, columns: str, intervals: Intervals, conditions: NDArray[np.int64]
) -> str:
    """Whether each of the conditions, sorted and numbered as in _Steps, holds: (n, n_rows)."""
    thresholds = np.concatenate(intervals.thresholds)[:, None]
    sizes = [len(own) for own in intervals.thresholds]
    column = np.repeat(np.arange(len(sizes)), sizes)

    def compared(operator: str, numbers: NDArray[np.int64]) -> str:
        values = graph.node("Gather", columns, graph.constant(column[numbers], np.int64), axis=0)
        return graph.node(operator, values, graph.constant(thresholds[numbers]))

    reached, below = np.split(conditions, [np.searchsorted(conditions, len(column))])
    both = compared("GreaterOrEqual", reached), compared("Less", below - len(column))
    return graph.node("Concat", *both, axis=0)


def _first_rows(groups: Sequence[Rows]) -> NDArray[np.int64]:
    """First row of each group's table in the joined tables."""
    sizes = np.array([group.n_rows for group in groups])
    starts: NDArray[np.int64] = np.cumsum(sizes) - sizes
    return starts


def picked_sums(
    graph: GraphBuilder,
    tensor: str,
    items: NDArray[np.int64],
    factors: NDArray[np.int64] | None = None,
) -> str:
    """Sums of rows of `tensor`, each times its factor: row j of the result sums items[:, j]."""
    picked = graph.node("Gather", tensor, graph.constant(items.ravel(), np.int64), axis=0)
    if factors is not None:
        picked = graph.node("Mul", picked, graph.constant(factors.reshape(-1, 1)))
    length, n_sums = items.shape
    stacked = graph.node("Reshape", picked, graph.constant([length, -1], np.int64))
    # A product with ones: ReduceSum over few rows was measured to be eight times slower.
    sums = graph.node("MatMul", graph.constant(np.ones((1, length))), stacked)
    return graph.node("Reshape", sums, graph.constant([n_sums, -1], np.int64))
