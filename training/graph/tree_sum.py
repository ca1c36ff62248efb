"""The raw output of many rows at once: comparisons become bits, and bits the index of a leaf.

Over many rows this is faster than walking down the trees, since nothing branches: each distinct
condition is compared once per row, and every further step is a vector operation along the rows
(see "Many rows at once" in docs/graph.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper

from training.graph.builder import ML
from training.graph.shapley_tables import on_grid
from training.graph.tree_ensemble import add_exact_tree_ensemble
from training.graph.trees import LEAF, depth_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import DTypeLike, NDArray

    from training.graph.builder import GraphBuilder
    from training.graph.trees import Ensemble, Tree

BITS_OF_BYTE = 8
DEEPEST_PERFECT = 7  # deeper trees are padded to 2 ** depth leaves, so they are walked instead
TREES_PER_BLOCK = 300  # looked up together; intermediate tensors stay in the cache; measured


def add_tree_sum(graph: GraphBuilder, columns: str, ensemble: Ensemble, n_columns: int) -> str:
    """Raw output, shape (n_rows, 1), bit for bit that of `add_tree_contributions`.

    Leaf values are multiples of FINE_GRID, so float64 sums are exact in any order.

    Parameters
    ----------
    columns : float32 tensor of shape (n_columns, n_rows), NaN for missing
    """
    if max(map(depth_of, ensemble.trees)) > DEEPEST_PERFECT:
        return add_exact_tree_ensemble(graph, graph.transposed(columns), ensemble)
    blocks = [PerfectTrees.of(trees, n_columns) for trees in _blocks(ensemble.trees)]
    conditions = np.concatenate([block.conditions.reshape(-1, 2) for block in blocks])
    distinct, numbers = np.unique(conditions, axis=0, return_inverse=True)

    found = _Conditions(graph, _hold(graph, columns, n_columns, distinct), len(distinct))
    sums, end = [], 0
    for block in blocks:
        start, end = end, end + block.n_conditions
        places = numbers[start:end].reshape(block.conditions.shape[:2])
        sums.append(_Lookup(found, places, block.depth).sum_of(block.leaves))
    base = graph.constant([[float(on_grid(np.array(ensemble.base)))]], np.float64)
    total = graph.node("Sum", base, *sums)
    return graph.transposed(graph.node("Cast", total, to=TensorProto.FLOAT))


def _hold(
    graph: GraphBuilder, columns: str, n_columns: int, conditions: NDArray[np.float64]
) -> str:
    """Whether each condition, sorted as in PerfectTrees, holds: bool (n_conditions, n_rows)."""
    values = graph.nodes("Split", columns, outputs=n_columns, axis=0, num_outputs=n_columns)
    found = []
    for number in np.unique(conditions[:, 0]).astype(int):
        thresholds = graph.constant(conditions[conditions[:, 0] == number, 1:])
        operator = "Less" if number < n_columns else "GreaterOrEqual"
        found.append(graph.node(operator, values[number % n_columns], thresholds))
    return graph.node("Concat", *found, axis=0)


def _blocks(trees: Sequence[Tree]) -> Iterator[list[Tree]]:
    """Blocks of trees of equal depth that are looked up together."""
    by_depth: dict[int, list[Tree]] = {}
    for tree in trees:
        by_depth.setdefault(max(depth_of(tree), 1), []).append(tree)
    for same_depth in by_depth.values():
        yield from (
            same_depth[i : i + TREES_PER_BLOCK] for i in range(0, len(same_depth), TREES_PER_BLOCK)
        )


@dataclass(frozen=True, slots=True)
class PerfectTrees:
    """Trees padded to one depth; node p leads to 2p + 1 where its condition holds, else to 2p + 2.

    conditions : (n_trees, 2 ** depth - 1, 2), column and threshold of the condition x < t; for
        x >= t, n_columns is added to the column
    leaves : (n_trees, 2 ** depth)
    """

    depth: int
    conditions: NDArray[np.float64]
    leaves: NDArray[np.float64]

    @property
    def n_conditions(self) -> int:
        """Number of inner nodes in all trees."""
        return self.conditions.size // 2

    @classmethod
    def of(cls, trees: Sequence[Tree], n_columns: int) -> PerfectTrees:
        """Pad trees to the depth of the deepest.

        A missing value makes every comparison false. Where missing values go left, the children
        are therefore swapped and the condition is that of going right, x >= t.
        """
        depth = max(1, *(depth_of(tree) for tree in trees))
        n_inner = 2**depth - 1
        conditions = np.zeros((len(trees), n_inner, 2))
        leaves = np.zeros((len(trees), n_inner + 1))
        for number, tree in enumerate(trees):
            nodes = np.zeros(2 * n_inner + 1, int)
            for place in range(n_inner):
                node = nodes[place]
                children = nodes[2 * place + 1 : 2 * place + 3]
                if tree.left[node] == LEAF:
                    children[:] = node
                    continue
                column, threshold = tree.feature[node], tree.threshold[node]
                children[:] = tree.left[node], tree.right[node]
                if tree.missing_left[node]:
                    children[:] = children[::-1].copy()
                    column += n_columns
                conditions[number, place] = column, threshold
            leaves[number] = on_grid(tree.value[nodes[n_inner:]])
        return cls(depth, conditions, leaves)


class _Conditions:
    """The distinct conditions as numbers: a weight where the condition holds, otherwise 0."""

    def __init__(self, graph: GraphBuilder, holds: str, count: int) -> None:
        self.graph, self.holds, self.count = graph, holds, count
        self._weighted: dict[tuple[int, DTypeLike], str] = {}

    def by(self, weight: int, dtype: DTypeLike) -> str:
        """Tensor (n_conditions, n_rows); the weight is a power of 2."""
        if (weight, dtype) not in self._weighted:
            if weight > 1:
                half = self.by(weight // 2, dtype)
                tensor = self.graph.node("Add", half, half)
            else:
                kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
                tensor = self.graph.node("Cast", self.holds, to=kind)
            self._weighted[weight, dtype] = tensor
        return self._weighted[weight, dtype]


class _Lookup:
    """Finds the leaves of trees of equal depth and sums them.

    The lowest levels of a tree are not walked: the outcomes of all conditions of a subtree form a
    code, whose lowest bit is that of the top node; the higher bits are the subtree's number. Codes
    are sums of weighted bits where that takes fewer operations than doubling and adding.

    Parameters
    ----------
    places : (n_trees, n_inner), position of each node's condition among the distinct ones
    """

    def __init__(self, conditions: _Conditions, places: NDArray[np.int64], depth: int) -> None:
        self._graph, self._conditions, self._places = conditions.graph, conditions, places
        self._coded = 3 if depth in (3, 4) else min(depth, 2)  # levels; measured
        self._walked = depth - self._coded
        self._weighs = len(places) * 2**self._walked > conditions.count
        self._code_bits = 2**self._coded - 1
        bits = self._walked + self._code_bits
        self._dtype = np.uint8 if bits <= BITS_OF_BYTE else np.int32

    def sum_of(self, leaves: NDArray[np.float64]) -> str:
        """Sum of the leaves reached, given all of them: float64 of shape (1, n_rows)."""
        graph, n_trees = self._graph, len(leaves)
        table = code_table(leaves, self._coded)
        starts = np.arange(n_trees)[:, None] * table.shape[1]
        place = graph.node("Cast", self._number(0, self._walked), to=TensorProto.INT64)
        place = graph.node("Add", place, graph.constant(starts, np.int64))
        flat = graph.node("Reshape", place, graph.constant([1, -1], np.int64))
        values = graph.constant(table.reshape(1, -1), np.float64)
        found = graph.node("ArrayFeatureExtractor", values, flat, domain=ML)
        found = graph.node("Reshape", found, graph.constant([n_trees, -1], np.int64))
        return graph.node("MatMul", graph.constant(np.ones((1, n_trees)), np.float64), found)

    def _number(self, node: int, walked: int) -> str:
        """Number and code of the subtree reached after `walked` levels, (n_trees, n_rows)."""
        if not walked:
            code = self._code(_subtree(node, self._coded))
            first = (node + 1 - 2**self._walked) << self._code_bits
            number = self._graph.constant(first, self._dtype)
            return self._graph.node("Add", code, number) if first else code
        below = [self._number(child, walked - 1) for child in (2 * node + 1, 2 * node + 2)]
        goes_first = self._gather(self._conditions.holds, node)
        return self._graph.node("Where", goes_first, *below)

    def _code(self, nodes: Sequence[int]) -> str:
        """The number whose bits are the conditions of these nodes, lowest bit first."""
        if self._weighs:
            bits = [self._bit(node, 2**place) for place, node in enumerate(nodes)]
            return reduce(partial(self._graph.node, "Add"), bits)
        *others, highest = nodes
        return reduce(self._with_bit, reversed(others), self._bit(highest))

    def _with_bit(self, number: str, node: int) -> str:
        """A number with a node's condition appended as the lowest bit."""
        doubled = self._graph.node("Add", number, number)
        return self._graph.node("Add", doubled, self._bit(node))

    def _bit(self, node: int, weight: int = 1) -> str:
        return self._gather(self._conditions.by(weight, self._dtype), node)

    def _gather(self, tensor: str, node: int) -> str:
        """Conditions of the same node in every tree, (n_trees, n_rows)."""
        places = self._graph.constant(self._places[:, node], np.int64)
        return self._graph.node("Gather", tensor, places, axis=0)


def _subtree(root: int, levels: int) -> list[int]:
    """Inner nodes of a subtree, breadth first."""
    level, nodes = [root], []
    for _ in range(levels):
        nodes += level
        level = [child for node in level for child in (2 * node + 1, 2 * node + 2)]
    return nodes


def code_table(leaves: NDArray[np.float64], coded: int) -> NDArray[np.float64]:
    """Leaf of each tree for each subtree and code, (n_trees, n_subtrees * 2 ** (2 ** coded - 1)).

    leaves : (n_trees, 2 ** depth)
    """
    codes = np.arange(2 ** (2**coded - 1))
    node = np.zeros_like(codes)
    for _ in range(coded):
        node = 2 * node + 2 - (codes >> node & 1)
    by_subtree = leaves.reshape(len(leaves), -1, 2**coded)
    table: NDArray[np.float64] = by_subtree[:, :, node - (2**coded - 1)].reshape(len(leaves), -1)
    return table
