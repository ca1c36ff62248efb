"""Tables of a block: the factors of each part at the Gauss-Legendre points, in every case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.graph.shapley_tables import SMALLEST_SHARE, Leaf, Rows, Test, on_grid, quadrature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.graph.blocks.cuts import Block

TINY = 1e-30  # smaller factors are 0 in the tables: products of them would leave float32


@dataclass(frozen=True, slots=True)
class PartTable:
    """What one part of a block's columns contributes to the products, a row for each case.

    columns : of the part
    own : (n_rows, n_points, n_columns), (o - z) of the column times the factors of the others
    whole : (n_rows, n_points), the product of all factors of the part
    reached : (n_rows,), of the path: 1 where all its tests hold; of the block: the leaf's value
    """

    columns: Sequence[int]
    rows: Rows
    own: NDArray[np.float64]
    whole: NDArray[np.float64]
    reached: NDArray[np.float64]


def part_tables(block: Block, n_points: int) -> list[PartTable]:
    """The table of the block's own columns, weighted by leaf values, then those of its path.

    A block without a path is integrated here, so its table has one point.
    """
    if block.parts:
        points, weights = quadrature(n_points)
        path = [_part(block.leaves[:1], columns, points, [1.0]) for columns in block.parts]
    else:
        points, weights = quadrature(max(1, (len(block.own) + 1) // 2))
        path = []
    values = [leaf.value for leaf in block.leaves]
    own = _part(block.leaves, block.own, points, values)
    weighted, whole = own.own * weights[:, None], own.whole * weights
    if not path:
        weighted, whole = weighted.sum(1, keepdims=True), whole.sum(1, keepdims=True)
    return [PartTable(own.columns, own.rows, weighted, whole, own.reached), *path]


def _part(
    leaves: Sequence[Leaf],
    columns: Sequence[int],
    points: NDArray[np.float64],
    values: Sequence[float],
) -> PartTable:
    """Sums over the leaves of value times product, of the tests on some columns only."""
    rows = Rows(leaves, columns)
    holds = rows.holds()
    shape = (rows.n_rows, len(leaves), 0)
    held = np.stack([holds[c] for c in columns], 2) if columns else np.zeros(shape)
    o = held.astype(float)[..., None]
    share = np.array([[leaf.tests.get(c, Test()).share for c in columns] for leaf in leaves])
    z = np.maximum(share, SMALLEST_SHARE).reshape(1, len(leaves), len(columns), 1)
    factors = z * (1 - points) + o * points  # (n_rows, n_leaves, n_columns, n_points)
    whole = factors.prod(2)
    others = whole[:, :, None] / factors
    own = np.einsum("rlcp,l->rpc", (o - z) * others, values)
    reached = held.all(2) @ on_grid(values)
    return PartTable(
        columns, rows, _flushed(own), _flushed(np.einsum("rlp,l->rp", whole, values)), reached
    )


def _flushed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.abs(values) < TINY, 0.0, values)
