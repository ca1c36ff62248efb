"""Cuts trees of any depth into blocks: small subtrees, with the path above them in small parts.

The contributions of a block depend on the outcomes of all columns on its paths, which may be many.
But the formula is a product of one factor for each column, so the columns are divided into parts,
each with a small table. See "Trees of any depth" in docs/graph.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod
from typing import TYPE_CHECKING

import numpy as np

from training.graph.shapley_tables import Leaf, n_outcomes, step
from training.graph.trees import LEAF

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training.graph.shapley_tables import Test
    from training.graph.trees import Tree

# Limits of the table of a block's own columns, and of one that needs no other table; measured.
OWN_COLUMNS = 5
OWN_ROWS = 32
WHOLE_ROWS = 128
PART_COLUMNS = 4  # of the path above, in one table


@dataclass(frozen=True, slots=True)
class Block:
    """Leaves of a subtree.

    own : columns that the subtree tests, and as many from the path above as fit into their table
    parts : the other columns of the path, on which all leaves have the same tests
    """

    leaves: list[Leaf]
    own: list[int]
    parts: list[list[int]]

    @property
    def n_points(self) -> int:
        """Points at which products are exact; 1 for a block that is integrated at export."""
        most = max(len(leaf.tests) for leaf in self.leaves)
        return (most + 1) // 2 if self.parts else 1


@dataclass(frozen=True, slots=True)
class _Open:
    """A subtree that may still grow: its leaves, and the columns that it tests."""

    leaves: list[Leaf]
    tested: frozenset[int]


def blocks_of(tree: Tree) -> list[Block]:
    """All leaves of a tree in blocks; none for a tree without a split."""
    tests = _tests_by_node(tree)
    if tree.left[0] == LEAF:
        return []
    closed: list[Block] = []
    subtrees: dict[int, _Open | None] = {}
    for node in sorted(tests, reverse=True):  # children before their parents
        if tree.left[node] == LEAF:
            leaf = Leaf(float(tree.value[node]), tests[node])
            subtrees[node] = _Open([leaf], frozenset())
            continue
        below = [subtrees.pop(int(child)) for child in (tree.left[node], tree.right[node])]
        subtrees[node] = joined = _joined(int(tree.feature[node]), *below)
        if joined is None:
            closed += [_closed(subtree) for subtree in below if subtree is not None]
    return closed + [_closed(subtree) for subtree in subtrees.values() if subtree is not None]


def _tests_by_node(tree: Tree) -> dict[int, dict[int, Test]]:
    """Tests by column on the way to each node that the root leads to; children have numbers above
    their parent's in every library."""
    tests: dict[int, dict[int, Test]] = {0: {}}
    for node in range(len(tree.left)):
        if node in tests and tree.left[node] != LEAF:
            tests[int(tree.left[node])] = step(tree, node, tests[node], left=True)
            tests[int(tree.right[node])] = step(tree, node, tests[node], left=False)
    return tests


def _joined(column: int, first: _Open | None, second: _Open | None) -> _Open | None:
    """Two subtrees below a node that tests a column, if their tables stay small."""
    if first is None or second is None:
        return None
    leaves, tested = first.leaves + second.leaves, first.tested | second.tested | {column}
    if len(tested) <= OWN_COLUMNS and _n_rows(leaves, tested) <= OWN_ROWS:
        return _Open(leaves, tested)
    return _Open(leaves, tested) if _fits_whole(leaves) else None


def _fits_whole(leaves: Sequence[Leaf]) -> bool:
    columns = {column for leaf in leaves for column in leaf.tests}
    few = len(columns) <= OWN_COLUMNS + PART_COLUMNS
    return few and _n_rows(leaves, columns) <= WHOLE_ROWS


def _n_rows(leaves: Sequence[Leaf], columns: frozenset[int] | set[int]) -> int:
    return prod(n_outcomes(column, leaves) for column in columns)


def _closed(subtree: _Open) -> Block:
    leaves = subtree.leaves
    if _fits_whole(leaves):
        return Block(leaves, sorted({c for leaf in leaves for c in leaf.tests}), [])
    own = sorted(subtree.tested)
    path = [column for column in leaves[0].tests if column not in subtree.tested]
    n_rows = _n_rows(leaves, subtree.tested)
    while path and len(own) < OWN_COLUMNS and 2 * n_rows <= OWN_ROWS:
        own.append(path.pop())
        n_rows *= 2
    return Block(leaves, own, list(_divided(path)))


def _divided(path: Sequence[int]) -> Iterator[list[int]]:
    """Parts of the path that are as equal as possible."""
    for part in np.array_split(path, ceil(len(path) / PART_COLUMNS)) if path else ():
        yield [int(column) for column in part]
