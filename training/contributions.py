"""Exact path-dependent TreeSHAP as standard ONNX nodes, from tables worked out at export.

The leaves of a tree are split into groups. What a group contributes depends only on what it can
tell about each column it tests, so the contributions of every combination of these outcomes are
worked out once, in float64, and become rows of one table. Scoring compares the columns with the
thresholds, adds the comparisons up to one row number per group, and sums those rows of the table.

References
----------
Lundberg et al., "From local explanations to global understanding with explainable AI for trees",
Nature Machine Intelligence 2 (2020): path-dependent TreeSHAP. The Shapley weights are integrals of
polynomials over [0, 1], which Gauss-Legendre quadrature gives exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import inf, isnan, nan, prod
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

from functions.shared.errors import ExportError
from training.graph import ML
from training.trees import LEAF

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from training.graph import GraphBuilder
    from training.trees import Ensemble, Tree

MAX_TABLE_BYTES = 64_000_000
SMALL_TABLE_BYTES = 2_800_000  # fewer, larger groups are faster: up to this size,
LARGER_AT_MOST = 1.3  # or to this multiple of the smallest tables
GROUP_ROWS = (512, 256, 128, 96, 64, 32, 1)
GROUPS_ABREAST = 16  # table rows that one matrix row holds when they are summed; measured
COARSE_GRID = 2.0**-14  # sums of such multiples are exact in float32 up to 1024,
FINE_GRID = 2.0**-28  # and of 2048 remainders in multiples of this
ROWS_PER_RUN = 256  # suits the form for many rows at every depth; measured
GROUPS_PER_BLOCK = 512  # looked up together there: fewer run no faster and load slower; measured
PIECE_LENGTH = 16  # table entries of one column that are summed in one go there
NO_COLUMN = -1
SMALLEST_SHARE = 1e-30  # stands in for a share of 0, which would divide by zero


@dataclass(frozen=True, slots=True)
class Contributions:
    """Names of the tensors `raw` (n_rows, 1) and `contributions` (n_rows, n_sources).

    raw = expected_raw + sum of contributions, up to float32 rounding.
    """

    raw: str
    contributions: str
    expected_raw: float


def add_tree_contributions(
    graph: GraphBuilder,
    columns: str,
    ensemble: Ensemble,
    source_of_column: Sequence[int],
    n_sources: int,
    *,
    many_rows: bool = False,
) -> Contributions:
    """Raw output and its exact TreeSHAP contributions (path-dependent), summed per source feature.

    A row's results are the same, bit for bit, alone and in any batch.

    Parameters
    ----------
    columns : float32 tensor of shape (n_rows, n_columns), NaN for missing
    source_of_column : for each column the index of the feature it was made from
    n_sources : number of features, the width of the contributions
    many_rows : the form for runs of about ROWS_PER_RUN rows, slow on one; contributions differ
        from those of the other form by float32 rounding, raw does not

    Raises
    ------
    ExportError
        The tables would exceed MAX_TABLE_BYTES: the trees are too deep.
    """
    groups = sorted(_groups(ensemble, 4 * (n_sources + 2)), key=lambda group: group.n_steps)
    groups = [_Group([])] * (-len(groups) % GROUPS_ABREAST) + groups
    tables = [group.table(source_of_column, n_sources) for group in groups]
    constant = _on_grid(ensemble.base)
    constant += sum(_on_grid(t.value[0]) for t in ensemble.trees if t.left[0] == LEAF)
    tables[0][:, -1] += constant
    tables = [np.hstack([table[:, :-1], *_coarse_and_fine(table[:, -1:])]) for table in tables]

    add_sums = _sums_of_many_rows if many_rows else _sums
    sums = add_sums(graph, columns, groups, tables, len(source_of_column))
    widths = graph.constant([n_sources, 2], np.int64)
    contributions, raw_parts = graph.nodes("Split", sums, widths, outputs=2, axis=1)
    raw = graph.node("ReduceSum", raw_parts, graph.constant([1], np.int64), keepdims=1)
    expected = sum(leaf.expected for group in groups for leaf in group.leaves)
    return Contributions(raw, contributions, float(constant + expected))


def tree_raw(graph: GraphBuilder, columns: str, ensemble: Ensemble) -> str:
    """Raw output alone, shape (n_rows, 1), by ONNX Runtime's own tree evaluation.

    Bit for bit that of `add_tree_contributions`.
    """
    numbers = [np.arange(len(tree.left)) for tree in ensemble.trees]
    tree_ids = np.repeat(np.arange(len(numbers)), [len(n) for n in numbers])
    node_ids = np.concatenate(numbers)

    def joined(name: str, dtype: DTypeLike) -> NDArray[np.generic]:
        return np.concatenate([getattr(tree, name) for tree in ensemble.trees]).astype(dtype)

    leaf = joined("left", int) == LEAF
    parts = np.stack(_coarse_and_fine(_on_grid(joined("value", float)[leaf])), 1)
    sums = graph.node(
        "TreeEnsembleRegressor",
        columns,
        domain=ML,
        n_targets=2,
        aggregate_function="SUM",
        post_transform="NONE",
        base_values=np.hstack(_coarse_and_fine(_on_grid(np.array([ensemble.base])))),
        nodes_treeids=tree_ids,
        nodes_nodeids=node_ids,
        nodes_modes=["LEAF" if is_leaf else "BRANCH_LT" for is_leaf in leaf],
        nodes_featureids=np.where(leaf, 0, joined("feature", int)),
        nodes_values=joined("threshold", float),
        nodes_truenodeids=np.where(leaf, 0, joined("left", int)),
        nodes_falsenodeids=np.where(leaf, 0, joined("right", int)),
        nodes_missing_value_tracks_true=joined("missing_left", int),
        target_treeids=np.repeat(tree_ids[leaf], 2),
        target_nodeids=np.repeat(node_ids[leaf], 2),
        target_ids=np.tile([0, 1], len(parts)),
        target_weights=parts.ravel(),
    )
    return graph.node("ReduceSum", sums, graph.constant([1], np.int64), keepdims=1)


def _on_grid(value: ArrayLike) -> NDArray[np.float64]:
    """The nearest multiples of FINE_GRID."""
    return np.round(np.asarray(value, np.float64) / FINE_GRID) * FINE_GRID


def _coarse_and_fine(value: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two parts of multiples of FINE_GRID; float32 sums of either are exact, in any order."""
    coarse = np.round(value / COARSE_GRID) * COARSE_GRID
    return coarse, value - coarse


@dataclass(frozen=True, slots=True)
class _Test:
    """All conditions on one column on the way to a leaf: low <= x < high, or missing if allowed.

    high : NaN for no upper bound, as a threshold may be infinite
    share : part of the cover that the conditions let through, which stands in for an unknown value
    """

    low: float = -inf
    high: float = nan
    missing: bool = True
    share: float = 1.0

    def holds(self, x: float) -> bool:
        return self.missing if isnan(x) else self.low <= x and not x >= self.high

    def narrowed(self, threshold: float, left: bool, missing: bool, share: float) -> _Test:
        """This test and one more condition."""
        return _Test(
            self.low if left else max(self.low, threshold),
            float(np.fmin(self.high, threshold)) if left else self.high,
            self.missing and missing,
            self.share * share,
        )


@dataclass(frozen=True, slots=True)
class _Leaf:
    value: float
    tests: dict[int, _Test]  # by column

    def contributions(self) -> NDArray[np.float64]:
        """Shapley values (2 ** n_tests, n_tests); in row number r test i holds iff bit i of r is 1.

        With z the share of a test and o = 1 if it holds, else 0:
        phi_i = value (o_i - z_i) integral of prod_{j != i} (z_j (1 - t) + o_j t) over t in [0, 1].
        """
        t, weights = _quadrature((len(self.tests) + 1) // 2)
        z = np.maximum([test.share for test in self.tests.values()], SMALLEST_SHARE)
        o = np.arange(2 ** len(z))[:, None] >> np.arange(len(z)) & 1
        factors = z[:, None] * (1 - t) + o[:, :, None] * t
        others = factors.prod(1, keepdims=True) / factors
        result: NDArray[np.float64] = self.value * (o - z) * (others @ weights)
        return result

    @property
    def expected(self) -> float:
        return self.value * prod(test.share for test in self.tests.values())


@cache
def _quadrature(n_points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss-Legendre points and weights on [0, 1], exact up to degree 2 n_points - 1."""
    points, weights = np.polynomial.legendre.leggauss(n_points)
    return (points + 1) / 2, weights / 2


@dataclass(frozen=True, slots=True)
class _Axis:
    """What a group of leaves can tell about one column.

    holds : shape (n_outcomes, n_leaves), whether each leaf's test on the column holds
    missing : the outcome of a missing value
    steps : (threshold, above, change); x >= threshold (above) or x < threshold (not above)
        changes the outcome, starting from that of a missing value
    """

    column: int
    holds: NDArray[np.bool_]
    missing: int
    steps: list[tuple[float, bool, int]]


def _axis(column: int, leaves: Sequence[_Leaf]) -> _Axis:
    tests = [leaf.tests.get(column, _Test()) for leaf in leaves]
    bounds = {bound for test in tests for bound in (test.low, test.high)}
    thresholds = sorted(bound for bound in bounds if bound > -inf)
    signatures: dict[tuple[bool, ...], int] = {}

    def outcome(x: float) -> int:
        return signatures.setdefault(tuple(test.holds(x) for test in tests), len(signatures))

    outcomes = [outcome(x) for x in (-inf, *thresholds)]  # one per interval between thresholds
    missing = outcome(nan)
    steps = []
    if missing in outcomes:
        start = outcomes.index(missing)
    else:  # no value has this outcome: one of two comparisons moves every value away from it
        start, first = 0, thresholds[0] if thresholds else 0.0
        steps = [(first, above, outcomes[0] - missing) for above in (False, True)]
    for i, (below, above) in enumerate(pairwise(outcomes)):
        if above != below:
            upwards = i >= start
            steps.append((thresholds[i], upwards, above - below if upwards else below - above))
    return _Axis(column, np.array(list(signatures), bool), missing, steps)


class _Group:
    """Leaves of one tree that share a table: a row per combination of outcomes of their axes."""

    def __init__(self, leaves: list[_Leaf]) -> None:
        self.leaves = leaves
        columns = sorted({column for leaf in leaves for column in leaf.tests})
        self.axes = [_axis(column, leaves) for column in columns]
        sizes = [len(axis.holds) for axis in self.axes]
        self.n_rows = prod(sizes)
        self.n_steps = sum(len(axis.steps) for axis in self.axes)
        strides = [prod(sizes[i + 1 :]) for i in range(len(sizes))]
        self._strided = list(zip(self.axes, strides, strict=True))

    @property
    def missing_row(self) -> int:
        """Row of the table if every column is missing."""
        return sum(axis.missing * stride for axis, stride in self._strided)

    def steps(self) -> Iterator[tuple[int, float, bool, int]]:
        """Column, threshold, whether above, and change of the row number, for each comparison."""
        for axis, stride in self._strided:
            for threshold, above, change in axis.steps:
                yield axis.column, threshold, above, change * stride

    def table(self, source_of_column: Sequence[int], n_sources: int) -> NDArray[np.float64]:
        """Contributions per source and, in the last column, the sum of the leaves reached."""
        row = np.arange(self.n_rows)
        holds = {a.column: a.holds[row // stride % len(a.holds)] for a, stride in self._strided}
        table = np.zeros((self.n_rows, n_sources + 1))
        for i, leaf in enumerate(self.leaves):
            held = np.stack([holds[column][:, i] for column in leaf.tests], 1)
            phi = leaf.contributions()[held @ (1 << np.arange(len(leaf.tests)))]
            for column, values in zip(leaf.tests, phi.T, strict=True):
                table[:, source_of_column[column]] += values
            table[:, -1] += _on_grid(leaf.value) * held.all(1)
        return table


@dataclass(frozen=True, slots=True)
class _Branch:
    """A subtree, the group of all its leaves unless that is too large, and the subtrees below."""

    group: _Group | None
    below: tuple[_Branch, ...] = ()

    def groups(self, max_rows: int) -> list[_Group]:
        """Groups of at most `max_rows` each, or larger where joining two does not cost rows."""
        apart = [group for branch in self.below for group in branch.groups(max_rows)]
        if self.group is None or len(apart) > 2:
            return apart
        limit = max(max_rows, sum(group.n_rows for group in apart))
        return [self.group] if not apart or self.group.n_rows <= limit else apart


def _branch(tree: Tree, node: int, tests: dict[int, _Test]) -> _Branch:
    if tree.left[node] == LEAF:
        return _Branch(_Group([_Leaf(float(tree.value[node]), tests)]))
    column, threshold = int(tree.feature[node]), float(tree.threshold[node])
    below = []
    for child, left in ((int(tree.left[node]), True), (int(tree.right[node]), False)):
        share = float(tree.cover[child] / max(tree.cover[node], SMALLEST_SHARE))
        missing = bool(tree.missing_left[node]) == left
        test = tests.get(column, _Test()).narrowed(threshold, left, missing, share)
        below.append(_branch(tree, child, {**tests, column: test}))
    first, second = below[0].group, below[1].group
    if first is None or second is None:
        return _Branch(None, tuple(below))
    whole = _Group(first.leaves + second.leaves)
    limit = max(*GROUP_ROWS, first.n_rows + second.n_rows)
    return _Branch(whole if whole.n_rows <= limit else None, tuple(below))


def _groups(ensemble: Ensemble, row_bytes: int) -> list[_Group]:
    """All leaves in as few groups as the sizes at the top of this module allow."""
    branches = [_branch(tree, 0, {}) for tree in ensemble.trees if tree.left[0] != LEAF]
    if not branches:
        raise ExportError("no tree of the model splits: its output is constant")
    choices = [[g for b in branches for g in b.groups(max_rows)] for max_rows in GROUP_ROWS]
    sizes = [row_bytes * sum(group.n_rows for group in choice) for choice in choices]
    if min(sizes) > MAX_TABLE_BYTES:
        raise ExportError(
            f"contributions need {min(sizes) / 1e6:.0f} MB of tables, more than the "
            f"{MAX_TABLE_BYTES / 1e6:.0f} MB allowed: lower max_depth (4 is small and fast)"
        )
    limit = min(max(SMALL_TABLE_BYTES, LARGER_AT_MOST * min(sizes)), MAX_TABLE_BYTES)
    return next(choice for choice, size in zip(choices, sizes, strict=True) if size <= limit)


def _row_numbers(
    graph: GraphBuilder, columns: str, groups: Sequence[_Group], n_columns: int
) -> str:
    """Row of the table for each group, which come sorted by n_steps: (n_rows, 1, n_groups).

    `x >= t` is computed as `-x < t'`, with t' the float32 next to -t, so that a missing value
    makes every comparison false.
    """
    bundles = [_comparisons(bundle, n_columns) for bundle in _bundles(groups)]
    column, threshold, change = (np.concatenate([b[i].ravel() for b in bundles]) for i in range(3))

    both_signs = graph.node("Concat", columns, graph.node("Neg", columns), axis=1)
    indices = graph.constant(column[None], np.int64)
    values = graph.node("ArrayFeatureExtractor", both_signs, indices, domain=ML)
    holds = graph.node("Less", values, graph.constant(threshold))
    as_number = graph.node("Cast", holds, to=TensorProto.FLOAT)
    changes = [graph.node("Mul", as_number, graph.constant(change))]
    if len(bundles) > 1:
        sizes = graph.constant([b[0].size for b in bundles], np.int64)
        changes = graph.nodes("Split", *changes, sizes, outputs=len(bundles), axis=1)
    sums = []
    for part, (bundle, _, _) in zip(changes, bundles, strict=True):
        stacked = graph.node("Reshape", part, graph.constant((-1, *bundle.shape), np.int64))
        sums.append(graph.node("MatMul", graph.constant(np.ones((1, len(bundle)))), stacked))
    moved = graph.node("Concat", *sums, axis=2) if len(sums) > 1 else sums[0]
    rows = graph.node("Add", moved, graph.constant(_missing_rows(groups)))
    return graph.node("Cast", rows, to=TensorProto.INT32)


def _missing_rows(groups: Sequence[_Group]) -> NDArray[np.int64]:
    """Row of the groups' joined tables that each reaches if every column is missing."""
    sizes = np.array([group.n_rows for group in groups])
    missing = np.array([group.missing_row for group in groups])
    result: NDArray[np.int64] = np.cumsum(sizes) - sizes + missing
    return result


def _bundles(groups: Sequence[_Group]) -> list[Sequence[_Group]]:
    """The groups in two bundles at most, such that padding to the longest wastes least."""
    n, longest = len(groups), groups[-1].n_steps
    sizes = [groups[k - 1].n_steps * k + longest * (n - k) for k in range(1, n + 1)]
    k = int(np.argmin(sizes)) + 1
    return [bundle for bundle in (groups[:k], groups[k:]) if bundle]


def _comparisons(
    groups: Sequence[_Group], n_columns: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Column, threshold and change of the row number, each of shape (n_steps, n_groups).

    Columns from `n_columns` on are the negated ones.
    """
    shape = (max(1, *(group.n_steps for group in groups)), len(groups))
    column = np.zeros(shape, np.int64)
    threshold = np.full(shape, -inf, np.float32)
    change = np.zeros(shape, np.float32)
    for g, group in enumerate(groups):
        for s, (tested, bound, above, difference) in enumerate(group.steps()):
            with np.errstate(over="ignore"):  # beyond the largest number lies infinity, as meant
                negated = np.nextafter(np.float32(-bound), np.float32(inf))
            column[s, g] = tested + n_columns * above
            threshold[s, g] = negated if above else bound
            change[s, g] = difference
    return column, threshold, change


def _sums(
    graph: GraphBuilder,
    columns: str,
    groups: Sequence[_Group],
    tables: Sequence[NDArray[np.float64]],
    n_columns: int,
) -> str:
    """Sum of the groups' table rows, shape (n_rows, width).

    Each row is a matrix product of its own, whose order of summation does not depend on the batch
    (ReduceSum over a middle axis was seen to depend on it). Groups lie abreast to fill vectors.
    """

    rows = _row_numbers(graph, columns, groups, n_columns)
    looked_up = graph.node("Gather", graph.constant(np.concatenate(tables)), rows, axis=0)
    n_groups, width = len(groups), tables[0].shape[1]

    def summed(tensor: str, length: int, breadth: int) -> str:
        shape = graph.constant([-1, length, breadth], np.int64)
        ones = graph.constant(np.ones((1, length)))
        return graph.node("MatMul", ones, graph.node("Reshape", tensor, shape))

    abreast = summed(looked_up, n_groups // GROUPS_ABREAST, GROUPS_ABREAST * width)
    total = summed(abreast, GROUPS_ABREAST, width)
    return graph.node("Squeeze", total, graph.constant([1], np.int64))


def _sums_of_many_rows(
    graph: GraphBuilder,
    columns: str,
    groups: Sequence[_Group],
    tables: Sequence[NDArray[np.float64]],
    n_columns: int,
) -> str:
    """The same with a column per row of X in every tensor, so that vectors run along the rows.

    Blocks of groups, whose tables and rows stay in the cache, are looked up one after the other.
    """
    width = tables[0].shape[1]
    starts = range(0, len(groups), GROUPS_PER_BLOCK)
    blocks = [_Block.of(groups[i : i + GROUPS_PER_BLOCK], tables[i:]) for i in starts]
    comparisons = [_comparisons(block.groups, n_columns) for block in blocks]
    pairs = np.concatenate([np.stack([c.ravel(), t.ravel()], 1) for c, t, _ in comparisons])
    distinct, condition = np.unique(pairs, axis=0, return_inverse=True)

    turned = graph.node("Transpose", columns, perm=[1, 0])
    both_signs = graph.node("Concat", turned, graph.node("Neg", turned), axis=0)
    values = graph.node("Gather", both_signs, graph.constant(distinct[:, 0], np.int64), axis=0)
    holds = graph.node("Less", values, graph.constant(distinct[:, 1:]))
    as_number = graph.node("Cast", holds, to=TensorProto.FLOAT)
    sums, columns_of_sums, end = [], [], 0
    for block, (_, _, change) in zip(blocks, comparisons, strict=True):
        start, end = end, end + change.size
        moved = _picked_sums(graph, as_number, condition[start:end].reshape(change.shape), change)
        rows = graph.node("Add", moved, graph.constant(_missing_rows(block.groups)[:, None]))
        numbers = graph.node("Cast", rows, to=TensorProto.INT64)
        table = graph.constant(block.table)
        looked_up = graph.node("ArrayFeatureExtractor", table, numbers, domain=ML)
        shape = graph.constant([block.columns.size, -1], np.int64)
        pieces, columns_of_pieces = _pieces(block.columns.ravel(), width, PIECE_LENGTH)
        sums.append(_picked_sums(graph, graph.node("Reshape", looked_up, shape), pieces))
        columns_of_sums.append(columns_of_pieces)
    joined = graph.node("Concat", *sums, axis=0) if len(sums) > 1 else sums[0]
    column = np.concatenate(columns_of_sums)
    most = int(np.bincount(column[column != NO_COLUMN]).max())
    total = _picked_sums(graph, joined, _pieces(column, width, most)[0][:, :width])
    return graph.node("Transpose", total, perm=[1, 0])


@dataclass(frozen=True, slots=True)
class _Block:
    """Groups that share a table of only the columns each uses, the first group being empty.

    table : (n_slots, n_rows), the table transposed; what a slot holds differs between groups
    columns : (n_slots, n_groups), column of the sum that a group's slot goes to, or NO_COLUMN if 0
    """

    groups: Sequence[_Group]
    table: NDArray[np.float64]
    columns: NDArray[np.int64]

    @classmethod
    def of(cls, groups: Sequence[_Group], tables: Sequence[NDArray[np.float64]]) -> _Block:
        used = [np.flatnonzero(table.any(0)) for table in tables[: len(groups)]]
        n_slots = max(1, *(len(columns) for columns in used))
        slots = np.full((n_slots, 1 + len(groups)), NO_COLUMN)
        parts = [np.zeros((1, n_slots))]
        for g, (own, table) in enumerate(zip(used, tables, strict=False)):
            slots[: len(own), g + 1] = own
            parts.append(np.pad(table[:, own], ((0, 0), (0, n_slots - len(own)))))
        return cls([_Group([]), *groups], np.concatenate(parts).T, slots)


def _pieces(
    column: NDArray[np.int64], n_columns: int, length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the items to be summed, (length, n_pieces), and the column each piece belongs to.

    column : column that each item belongs to; an item of NO_COLUMN is 0 and fills pieces up, of
        which the last is nothing but that
    """
    zero = np.flatnonzero(column == NO_COLUMN)[0]
    pieces, columns_of_pieces = [], []
    for c in range(n_columns):
        items = np.flatnonzero(column == c)
        for i in range(0, max(1, len(items)), length):
            piece = items[i : i + length]
            pieces.append(np.pad(piece, (0, length - len(piece)), constant_values=zero))
            columns_of_pieces.append(c)
    pieces.append(np.full(length, zero))
    return np.stack(pieces, 1), np.array([*columns_of_pieces, NO_COLUMN])


def _picked_sums(
    graph: GraphBuilder,
    tensor: str,
    items: NDArray[np.int64],
    factors: NDArray[np.float32] | None = None,
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
