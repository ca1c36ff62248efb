"""Tables of exact path-dependent TreeSHAP: the contributions of groups of leaves in every case.

The leaves of a tree are split into small groups. The contributions of a group depend only on the
outcome of each column that it tests, so those of every combination of outcomes are computed once,
in float64, and become rows of one table. docs/graph.md derives the formula from a worked tree.

References
----------
Lundberg et al., "From local explanations to global understanding with explainable AI for trees",
Nature Machine Intelligence 2 (2020): path-dependent TreeSHAP. The Shapley weights are integrals of
polynomials over [0, 1], which Gauss-Legendre quadrature gives exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from math import inf, isnan, nan, prod
from operator import xor
from typing import TYPE_CHECKING

import numpy as np

from scoreline.core.errors import ExportError
from training.graph.trees import LEAF

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from training.graph.trees import Ensemble, Tree

COARSE_GRID = 2.0**-14  # float32 sums of such multiples are exact up to 1024
# Fewer, larger groups mean fewer lookups; they are chosen up to this size of their tables, or up
# to this multiple of the smallest tables.
SMALL_TABLE_BYTES = 2_550_000
MAX_SIZE_RATIO = 1.3
MAX_ROWS = 256  # of a group, unless a single leaf has more: row numbers then fit one byte
GROUP_ROWS = (MAX_ROWS, 192, 128, 96, 80, 64, 32, 1)
# Leaf values are multiples of this, so sums of 2048 remainders of the coarse grid are exact.
FINE_GRID = 2.0**-28
SMALLEST_SHARE = 1e-30  # replaces a share of 0, by which the formula would divide


@dataclass(frozen=True, slots=True)
class Test:
    """All conditions on one column along the path to a leaf: low <= x < high, or missing.

    high : NaN for no upper bound, since a threshold may be infinite
    share : share of the cover that passes the conditions; the factor if the value is unknown
    """

    low: float = -inf
    high: float = nan
    missing: bool = True
    share: float = 1.0

    def holds(self, x: float) -> bool:
        """Whether a value passes the test."""
        return self.missing if isnan(x) else self.low <= x and not x >= self.high

    def narrowed(self, threshold: float, left: bool, missing: bool, share: float) -> Test:
        """This test with one more condition."""
        return Test(
            self.low if left else max(self.low, threshold),
            float(np.fmin(self.high, threshold)) if left else self.high,
            self.missing and missing,
            self.share * share,
        )


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf's value, and the tests by column along its path."""

    value: float
    tests: dict[int, Test]

    def contributions(self) -> NDArray[np.float64]:
        """Shapley values (2 ** n_tests, n_tests); in row number r test i holds iff bit i of r is 1.

        With z the share of a test and o = 1 if it holds, else 0:
        phi_i = value (o_i - z_i) integral of prod_{j != i} (z_j (1 - t) + o_j t) over t in [0, 1].
        """
        t, weights = quadrature((len(self.tests) + 1) // 2)
        z = np.maximum([test.share for test in self.tests.values()], SMALLEST_SHARE)
        o = np.arange(2 ** len(z))[:, None] >> np.arange(len(z)) & 1
        factors = z[:, None] * (1 - t) + o[:, :, None] * t
        others = factors.prod(1, keepdims=True) / factors
        result: NDArray[np.float64] = self.value * (o - z) * (others @ weights)
        return result


@cache
def quadrature(n_points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss-Legendre points and weights on [0, 1], exact up to degree 2 n_points - 1."""
    points, weights = np.polynomial.legendre.leggauss(n_points)
    return (points + 1) / 2, weights / 2


@dataclass(frozen=True, slots=True)
class TableAxis:
    """The outcomes of one column that a group of leaves can distinguish.

    thresholds : sorted; no test changes its outcome between two of them
    outcomes : of a missing value, of a value below all thresholds, and of values from each
        threshold on
    holds : shape (n_outcomes, n_leaves), whether each leaf's test on the column holds
    """

    column: int
    thresholds: NDArray[np.float64]
    outcomes: NDArray[np.int64]
    holds: NDArray[np.bool_]

    def outcomes_of(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Outcomes of values; NaN is missing."""
        reached = 1 + np.searchsorted(self.thresholds, values, side="right")
        return self.outcomes[np.where(np.isnan(values), 0, reached)]

    @property
    def n_steps(self) -> int:
        """Changes of outcome at thresholds, plus one if only a missing value has its outcome."""
        missing, *others = self.outcomes
        return int(np.count_nonzero(np.diff(others))) + (missing not in others)


def _axis(column: int, leaves: Sequence[Leaf]) -> TableAxis:
    tests = [leaf.tests.get(column, Test()) for leaf in leaves]
    bounds = {bound for test in tests for bound in (test.low, test.high)}
    thresholds = sorted(bound for bound in bounds if bound > -inf)
    numbers: dict[int, int] = {}
    outcomes = [numbers.setdefault(held, len(numbers)) for held in _held(tests, thresholds)]
    bits = [[held >> i & 1 for i in range(len(tests))] for held in numbers]
    return TableAxis(column, np.array(thresholds), np.array(outcomes), np.array(bits, bool))


def _held(tests: Sequence[Test], thresholds: Sequence[float]) -> Iterator[int]:
    """The tests that hold, as bits: for a missing value, one below all thresholds, from each on."""
    missing = below = 0
    changes = dict.fromkeys(thresholds, 0)
    for i, test in enumerate(tests):
        bit = 1 << i
        missing |= bit * test.missing
        if test.low >= test.high:
            continue
        if test.low == -inf:
            below |= bit
        else:
            changes[test.low] ^= bit
        if not isnan(test.high):
            changes[test.high] ^= bit
    yield missing
    yield from accumulate(changes.values(), xor, initial=below)


def n_outcomes(column: int, leaves: Sequence[Leaf]) -> int:
    """How many outcomes of a column the leaves can distinguish."""
    tests = [leaf.tests[column] for leaf in leaves if column in leaf.tests]
    bounds = {bound for test in tests for bound in (test.low, test.high)}
    return len(set(_held(tests, sorted(bound for bound in bounds if bound > -inf))))


class Rows:
    """Rows of a table: one for each combination of outcomes of some columns.

    The number of a row is the sum of stride times outcome over the axes.
    """

    def __init__(self, leaves: Sequence[Leaf], columns: Sequence[int]) -> None:
        axes = [_axis(column, leaves) for column in columns]
        sizes = [len(axis.holds) for axis in axes]
        self.n_rows = prod(sizes)
        strides = [prod(sizes[i + 1 :]) for i in range(len(sizes))]
        self.axes = list(zip(axes, strides, strict=True))

    @property
    def n_steps(self) -> int:
        """Number of steps of all axes."""
        return sum(axis.n_steps for axis, _ in self.axes)

    def holds(self) -> dict[int, NDArray[np.bool_]]:
        """Column -> whether each leaf's test on it holds in each row, (n_rows, n_leaves)."""
        row = np.arange(self.n_rows)
        return {a.column: a.holds[row // stride % len(a.holds)] for a, stride in self.axes}


class Group(Rows):
    """Leaves of one tree that share a table with a row per combination of outcomes of the axes."""

    def __init__(self, leaves: list[Leaf]) -> None:
        super().__init__(leaves, sorted({column for leaf in leaves for column in leaf.tests}))
        self.leaves = leaves

    def table(self, source_of_column: Sequence[int], n_sources: int) -> NDArray[np.float64]:
        """Contributions per source and, in the last column, the sum of the leaf values reached."""
        holds = self.holds()
        table = np.zeros((self.n_rows, n_sources + 1))
        for i, leaf in enumerate(self.leaves):
            held = np.stack([holds[column][:, i] for column in leaf.tests], 1)
            phi = leaf.contributions()[held @ (1 << np.arange(len(leaf.tests)))]
            for column, values in zip(leaf.tests, phi.T, strict=True):
                table[:, source_of_column[column]] += values
            table[:, -1] += on_grid(leaf.value) * held.all(1)
        return table


def step(tree: Tree, node: int, tests: dict[int, Test], *, left: bool) -> dict[int, Test]:
    """The tests by column on the way to a child of the node, given those on the way to the node."""
    child, column = (tree.left if left else tree.right)[node], int(tree.feature[node])
    share = float(tree.cover[child] / max(tree.cover[node], SMALLEST_SHARE))
    missing = bool(tree.missing_left[node]) == left
    test = tests.get(column, Test()).narrowed(float(tree.threshold[node]), left, missing, share)
    return {**tests, column: test}


@dataclass(frozen=True, slots=True)
class _Branch:
    """A subtree: the group of all its leaves unless that is too large, and the subtrees below."""

    group: Group | None
    below: tuple[_Branch, ...] = ()

    def groups(self, max_rows: int) -> list[Group]:
        """Groups of at most `max_rows` rows, or larger ones where joining two adds no rows."""
        apart = [group for branch in self.below for group in branch.groups(max_rows)]
        if self.group is None or len(apart) > 2:
            return apart
        limit = max(max_rows, sum(group.n_rows for group in apart))
        return [self.group] if not apart or self.group.n_rows <= limit else apart


def _branch(tree: Tree, node: int, tests: dict[int, Test]) -> _Branch:
    if tree.left[node] == LEAF:
        return _Branch(Group([Leaf(float(tree.value[node]), tests)]))
    below = []
    for child, left in ((int(tree.left[node]), True), (int(tree.right[node]), False)):
        below.append(_branch(tree, child, step(tree, node, tests, left=left)))
    first, second = below[0].group, below[1].group
    if first is None or second is None:
        return _Branch(None, tuple(below))
    whole = Group(first.leaves + second.leaves)
    apart = (first.n_rows, second.n_rows)
    limit = MAX_ROWS if max(apart) <= MAX_ROWS else sum(apart)
    return _Branch(whole if whole.n_rows <= limit else None, tuple(below))


def groups_of(ensemble: Ensemble, row_bytes: int) -> list[Group]:
    """All leaves in as few groups as the size limits of this module allow."""
    branches = [_branch(tree, 0, {}) for tree in ensemble.trees if tree.left[0] != LEAF]
    if not branches:
        raise ExportError("no tree of the model has a split, so its output is constant")
    choices = [[g for b in branches for g in b.groups(max_rows)] for max_rows in GROUP_ROWS]
    sizes = [row_bytes * sum(group.n_rows for group in choice) for choice in choices]
    limit = max(SMALL_TABLE_BYTES, MAX_SIZE_RATIO * min(sizes))
    return next(choice for choice, size in zip(choices, sizes, strict=True) if size <= limit)


def constant_of(ensemble: Ensemble) -> NDArray[np.float64]:
    """What every row gets: the base, and the values of trees without a split."""
    constant = on_grid(ensemble.base)
    return constant + sum(on_grid(t.value[0]) for t in ensemble.trees if t.left[0] == LEAF)


def expected_raw(ensemble: Ensemble) -> float:
    """The raw output where no column is known: leaf values by the share of rows that reach them."""
    return float(constant_of(ensemble)) + sum(
        _expected(tree) for tree in ensemble.trees if tree.left[0] != LEAF
    )


def _expected(tree: Tree) -> float:
    reach = np.ones(len(tree.left))
    for node in np.flatnonzero(tree.left != LEAF):
        children = [tree.left[node], tree.right[node]]
        reach[children] = reach[node] * tree.cover[children]
        reach[children] /= max(tree.cover[node], SMALLEST_SHARE)
    return float(reach @ tree.value)


def on_grid(value: ArrayLike) -> NDArray[np.float64]:
    """The nearest multiples of FINE_GRID."""
    return np.round(np.asarray(value, np.float64) / FINE_GRID) * FINE_GRID


def coarse_and_fine(value: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two parts whose float32 sums are each exact in any order: multiples of the two grids."""
    coarse = np.round(value / COARSE_GRID) * COARSE_GRID
    return coarse, value - coarse
