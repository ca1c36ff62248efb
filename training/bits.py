"""The raw output of many rows at once: comparisons become bits, and bits the place of a leaf.

Faster over many rows than walking down the trees, for nothing branches: each distinct condition is
compared once per row, and every further step works on bytes along the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

from training.graph import ML
from training.shapley import on_grid
from training.trees import LEAF

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from training.graph import GraphBuilder
    from training.trees import Ensemble, Tree

CODE_LEVELS = 3  # the lowest levels of a tree, whose conditions make one byte
ROWS_PER_RUN = 512  # suits these graphs at every depth; measured
SUBTREES_PER_BLOCK = (
    800  # looked up together, so that what lies between stays in the cache; measured
)


def add_tree_sum(graph: GraphBuilder, columns: str, ensemble: Ensemble, n_columns: int) -> str:
    """Raw output (n_rows, 1), bit for bit that of `add_tree_contributions`.

    Leaf values are multiples of shapley.FINE_GRID, so float64 adds them up exactly in any order.

    Parameters
    ----------
    columns : float32 tensor of shape (n_columns, n_rows), NaN for missing
    """
    blocks = [PerfectTrees.of(trees, n_columns) for trees in _blocks(ensemble.trees)]
    conditions = np.concatenate([block.conditions.reshape(-1, 2) for block in blocks])
    distinct, numbers = np.unique(conditions, axis=0, return_inverse=True)

    both_signs = graph.node("Concat", columns, graph.node("Neg", columns), axis=0)
    values = graph.node("Gather", both_signs, graph.constant(distinct[:, 0], np.int64), axis=0)
    holds = graph.node("Less", values, graph.constant(distinct[:, 1:]))
    bits = graph.node("Cast", holds, to=TensorProto.UINT8)
    sums, end = [], 0
    for block in blocks:
        start, end = end, end + block.n_conditions
        places = numbers[start:end].reshape(block.conditions.shape[:2])
        sums.append(_Lookup(graph, holds, bits, places).sum_of(block))
    base = graph.constant([[float(on_grid(np.array(ensemble.base)))]], np.float64)
    total = graph.node("Sum", base, *sums)
    return graph.turned(graph.node("Cast", total, to=TensorProto.FLOAT))


def _blocks(trees: Sequence[Tree]) -> Iterator[list[Tree]]:
    """Trees of one depth, as many as are looked up together."""
    by_depth: dict[int, list[Tree]] = {}
    for tree in trees:
        by_depth.setdefault(max(_depth(tree), 1), []).append(tree)
    for depth, alike in by_depth.items():
        size = max(1, SUBTREES_PER_BLOCK >> max(depth - CODE_LEVELS, 0))
        yield from (alike[i : i + size] for i in range(0, len(alike), size))


def _depth(tree: Tree, node: int = 0) -> int:
    if tree.left[node] == LEAF:
        return 0
    return 1 + max(_depth(tree, tree.left[node]), _depth(tree, tree.right[node]))


@dataclass(frozen=True, slots=True)
class PerfectTrees:
    """Trees filled up to one depth; node p leads to 2p + 1 where its condition holds, else 2p + 2.

    conditions : (n_trees, 2 ** depth - 1, 2), the column and the threshold it must be smaller than;
        columns from n_columns on are the negated ones
    leaves : (n_trees, 2 ** depth)
    """

    depth: int
    conditions: NDArray[np.float64]
    leaves: NDArray[np.float64]

    @property
    def n_conditions(self) -> int:
        """Number of inner nodes of all trees."""
        return self.conditions.size // 2

    @classmethod
    def of(cls, trees: Sequence[Tree], n_columns: int) -> PerfectTrees:
        """Fill trees up; a missing value makes every condition false.

        So where missing values go left, the condition is that of going right, x >= t, computed as
        -x < t' with t' the float32 next to -t.
        """
        depth = max(1, *(_depth(tree) for tree in trees))
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
                    with np.errstate(over="ignore"):
                        threshold = np.nextafter(-threshold, np.float32(np.inf))
                conditions[number, place] = column, threshold
            leaves[number] = on_grid(tree.value[nodes[n_inner:]])
        return cls(depth, conditions, leaves)


@dataclass(frozen=True, slots=True)
class _Lookup:
    """Finds the leaves of a block's trees and adds them up.

    holds, bits : the distinct conditions (n_conditions, n_rows) as bool and as uint8
    places : (n_trees, n_inner), the place of each node's condition among them
    """

    graph: GraphBuilder
    holds: str
    bits: str
    places: NDArray[np.int64]

    def sum_of(self, block: PerfectTrees) -> str:
        """Sum of the leaves reached, float64 of shape (1, n_rows)."""
        graph, n_trees = self.graph, len(block.leaves)
        low = min(block.depth, CODE_LEVELS)
        table = _table(block, low)
        leaf = self._leaf_numbers(block.depth - low, low)
        starts = np.arange(n_trees)[:, None] * table.shape[1]
        place = graph.node("Cast", leaf, to=TensorProto.INT64)
        place = graph.node("Add", place, graph.constant(starts, np.int64))
        flat = graph.node("Reshape", place, graph.constant([1, -1], np.int64))
        values = graph.constant(table.reshape(1, -1), np.float64)
        found = graph.node("ArrayFeatureExtractor", values, flat, domain=ML)
        found = graph.node("Reshape", found, graph.constant([n_trees, -1], np.int64))
        return graph.node("MatMul", graph.constant(np.ones((1, n_trees)), np.float64), found)

    def _leaf_numbers(self, high: int, low: int) -> str:
        """Column of `_table` for each tree, (n_trees, n_rows): the way down, then the code."""
        carried = [self._codes(high, low)]
        for level in reversed(range(high)):
            nodes = _level(level)
            goes_first = self._gather(self.holds, nodes)
            halves = [
                self.graph.nodes("Split", c, outputs=2, axis=0, num_outputs=2) for c in carried
            ]
            carried = [self.graph.node("Where", goes_first, *half) for half in halves]
            carried.insert(0, self._gather(self.bits, nodes))
        *way, code = carried
        if not way:
            return code
        return self._join(way, code, 2**low - 1)

    def _join(self, way: Sequence[str], code: str, code_bits: int) -> str:
        graph = self.graph
        number = _number(graph, way)
        if len(way) + code_bits > 8:
            number, code = (graph.node("Cast", n, to=TensorProto.INT32) for n in (number, code))
            shift = graph.constant(2**code_bits, np.int32)
        else:
            shift = graph.constant(2**code_bits, np.uint8)
        return graph.node("Add", graph.node("Mul", number, shift), code)

    def _codes(self, level: int, low: int) -> str:
        """Outcomes of all conditions of each subtree that starts at a level, as one byte."""
        nodes = _breadth_first(_level(level), low)
        return _number(self.graph, [self._gather(self.bits, places) for places in reversed(nodes)])

    def _gather(self, tensor: str, nodes: Sequence[int]) -> str:
        """Conditions of the same nodes of every tree, (n_nodes * n_trees, n_rows)."""
        places = self.places[:, nodes].T.ravel()
        return self.graph.node("Gather", tensor, self.graph.constant(places, np.int64), axis=0)


def _level(level: int) -> list[int]:
    """Nodes of a level, those behind first children before those behind second ones."""
    nodes = [0]
    for _ in range(level):
        nodes = [2 * p + 1 for p in nodes] + [2 * p + 2 for p in nodes]
    return nodes


def _breadth_first(roots: Sequence[int], levels: int) -> list[list[int]]:
    """For each node of a subtree, breadth first, its place under every root."""
    nodes = [list(roots)]
    for i in range(2 ** (levels - 1) - 1):
        nodes += [[2 * p + 1 for p in nodes[i]], [2 * p + 2 for p in nodes[i]]]
    return nodes


def _number(graph: GraphBuilder, bits: Sequence[str]) -> str:
    """The binary number that bits make, the highest first; ONNX Runtime's shifts are slower."""
    number = bits[0]
    for bit in bits[1:]:
        number = graph.node("Add", graph.node("Add", number, number), bit)
    return number


def _table(block: PerfectTrees, low: int) -> NDArray[np.float64]:
    """Leaf for each way down and code, (n_trees, 2 ** high * 2 ** (2 ** low - 1)).

    The way is a number whose highest bit is the root's condition; bit j of a code is that of node j
    of the subtree, breadth first.
    """
    codes = np.arange(2 ** (2**low - 1))
    node = np.zeros_like(codes)
    for _ in range(low):
        node = 2 * node + 2 - (codes >> node & 1)
    by_way = block.leaves.reshape(len(block.leaves), -1, 2**low)[:, ::-1]  # condition true: first
    table: NDArray[np.float64] = by_way[:, :, node - (2**low - 1)].reshape(len(block.leaves), -1)
    return table
