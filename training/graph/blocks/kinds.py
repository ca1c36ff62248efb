"""Blocks of one shape together, so that a few nodes serve all of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from scoreline.core.errors import ExportError
from training.graph.blocks.cuts import OWN_COLUMNS, PART_COLUMNS, Block, blocks_of
from training.graph.contribution_sums import RAW_PARTS
from training.graph.shapley_tables import Leaf, Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.graph.trees import Ensemble

MAX_TABLE_BYTES = 64_000_000
RARE = 0.08  # share of all blocks under which a kind joins one with more points


@dataclass(frozen=True)
class Kind:
    """Blocks with equally many parts, multiplied at equally many points.

    The last block is empty: its row is zero.
    """

    n_parts: int
    n_points: int
    blocks: list[Block]

    @cached_property
    def n_slots(self) -> int:
        """Slots of a row: for each column of the block's own table, then of each part."""
        if self.n_parts:
            return OWN_COLUMNS + self.n_parts * PART_COLUMNS
        return max(len(block.own) for block in self.blocks)

    @property
    def n_bytes(self) -> int:
        """Bytes of the tables for few rows, as if none were equal; parts have two ways each."""
        n_rows: int = sum(
            Rows(block.leaves, block.own).n_rows + sum(1 << len(part) for part in block.parts)
            for block in self.blocks
        )
        return 4 * n_rows * (self.n_points * self.n_slots + RAW_PARTS)

    def first_slot(self, part: int) -> int:
        """First slot of a part; part 0 is the block's own table."""
        return OWN_COLUMNS + (part - 1) * PART_COLUMNS if part else 0

    def slots_of(self, part: int) -> int:
        """Slots of a part."""
        if part:
            return PART_COLUMNS
        return OWN_COLUMNS if self.n_parts else self.n_slots


def kinds_of(ensemble: Ensemble) -> list[Kind]:
    """All blocks of all trees, by kind."""
    by_shape: defaultdict[tuple[int, int], list[Block]] = defaultdict(list)
    for tree in ensemble.trees:
        for block in blocks_of(tree):
            by_shape[len(block.parts), block.n_points].append(block)
    total = sum(map(len, by_shape.values()))
    for n_parts, n_points in sorted(by_shape):  # each kind costs a fixed number of nodes
        larger = [shape for shape in by_shape if shape[0] == n_parts and shape[1] > n_points]
        if larger and len(by_shape[n_parts, n_points]) < RARE * total:
            by_shape[min(larger)] += by_shape.pop((n_parts, n_points))
    return [Kind(*shape, [*blocks, _empty(shape[0])]) for shape, blocks in sorted(by_shape.items())]


def check_size(kinds: Sequence[Kind]) -> None:
    """Raise an ExportError if the tables of the kinds would exceed MAX_TABLE_BYTES."""
    size = sum(kind.n_bytes for kind in kinds)
    if size > MAX_TABLE_BYTES:
        raise ExportError(
            f"contributions need {size / 1e6:.0f} MB of tables, over the limit of "
            f"{MAX_TABLE_BYTES / 1e6:.0f} MB: lower max_depth, num_leaves or n_estimators"
        )


def _empty(n_parts: int) -> Block:
    return Block([Leaf(0.0, {})], [], [[] for _ in range(n_parts)])
