"""Contributions of blocks for many rows at once: vectors run along the rows.

Each part has its own numbers and the product of its factors; nothing is repeated by slot as in the
form for few rows, since a product is then one operation on long vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING

import numpy as np

from training.graph.blocks.joined import Joined
from training.graph.blocks.kinds import Kind
from training.graph.blocks.tables import part_tables
from training.graph.builder import ML
from training.graph.contribution_sums import NO_COLUMN, PIECE_LENGTH, pieces_of
from training.graph.table_rows import picked_sums, row_numbers_in_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from training.graph.blocks.tables import PartTable
    from training.graph.builder import GraphBuilder

BLOCKS_AT_ONCE = 128  # looked up together, so that tables and rows stay in the cache; measured


@dataclass(frozen=True, slots=True)
class _Found:
    """Rows of one part: `own` (n_points, width, n_blocks * n_rows), `whole` with width 1."""

    own: str
    whole: str


def add_block_contributions(
    graph: GraphBuilder,
    columns: str,
    kinds: Sequence[Kind],
    source_of_column: Sequence[int],
    n_sources: int,
) -> str:
    """Contributions, (n_rows, n_sources), from a float32 tensor of shape (n_columns, n_rows)."""
    chunks = [chunk for kind in kinds for chunk in _chunks(kind)]
    joined = [_joined(chunk) for chunk in chunks]
    parts = [part for own in joined for part in own]
    numbers = iter(
        row_numbers_in_blocks(
            graph,
            columns,
            [part.rows for part in parts],
            len(source_of_column),
            [np.array(part.first) for part in parts],
        )
    )
    sums, owners = [], []
    for chunk, tables in zip(chunks, joined, strict=True):
        found = [
            _looked_up(graph, chunk, part, table, next(numbers))
            for part, table in enumerate(tables)
        ]
        for part in range(len(found)):
            source = _sources(chunk, part, source_of_column)
            pieces, owner = pieces_of(source.ravel(), n_sources, PIECE_LENGTH)
            sums.append(picked_sums(graph, _slots(graph, chunk, found, part), pieces))
            owners.append(owner)
    joined_sums = graph.node("Concat", *sums, axis=0)
    owner = np.concatenate(owners)
    most = int(np.bincount(owner[owner != NO_COLUMN]).max())
    pieces = pieces_of(owner, n_sources, most)[0][:, :n_sources]
    return graph.transposed(picked_sums(graph, joined_sums, pieces))


def _chunks(kind: Kind) -> Iterator[Kind]:
    *blocks, empty = kind.blocks
    for start in range(0, len(blocks), BLOCKS_AT_ONCE):
        chunk = [*blocks[start : start + BLOCKS_AT_ONCE], empty]
        yield Kind(kind.n_parts, kind.n_points, chunk)


def _joined(chunk: Kind) -> list[Joined]:
    by_block = [part_tables(block, chunk.n_points) for block in chunk.blocks]
    return [
        Joined.of([t.rows for t in tables], [_layout(chunk, part, t) for t in tables])
        for part, tables in enumerate(zip(*by_block, strict=True))
    ]


def _layout(chunk: Kind, part: int, table: PartTable) -> NDArray[np.float64]:
    """Rows of n_points * (width + 1) numbers: own ones by point and slot, then whole ones."""
    n_rows, n_points = table.whole.shape
    own = np.zeros((n_rows, n_points, chunk.slots_of(part)))
    own[:, :, : len(table.columns)] = table.own
    flat = own.reshape(n_rows, -1)
    return np.hstack([flat, table.whole]) if chunk.n_parts else flat


def _looked_up(graph: GraphBuilder, chunk: Kind, part: int, table: Joined, rows: str) -> _Found:
    content = graph.constant(table.table.T)
    looked_up = graph.node("ArrayFeatureExtractor", content, rows, domain=ML)
    if not chunk.n_parts:
        return _Found(looked_up, "")
    width = chunk.slots_of(part)
    sizes = graph.constant([chunk.n_points * width, chunk.n_points], np.int64)
    own, whole = graph.nodes("Split", looked_up, sizes, outputs=2, axis=0)
    by_point = graph.constant([chunk.n_points, width, -1], np.int64)
    one_slot = graph.constant([chunk.n_points, 1, -1], np.int64)
    return _Found(graph.node("Reshape", own, by_point), graph.node("Reshape", whole, one_slot))


def _slots(graph: GraphBuilder, chunk: Kind, found: Sequence[_Found], part: int) -> str:
    """The contributions of a part's slots: (width * n_blocks, n_rows)."""
    slots = found[part].own
    if chunk.n_parts:
        others = [other.whole for k, other in enumerate(found) if k != part]
        product = graph.node("Mul", slots, reduce(partial(graph.node, "Mul"), others))
        axis = graph.constant([0], np.int64)
        slots = graph.node("ReduceSum", product, axis, keepdims=0)
    n_slots = chunk.slots_of(part) * len(chunk.blocks)
    return graph.node("Reshape", slots, graph.constant([n_slots, -1], np.int64))


def _sources(chunk: Kind, part: int, source_of_column: Sequence[int]) -> NDArray[np.int64]:
    """Source of each slot of each block, (width, n_blocks)."""
    sources = np.full((chunk.slots_of(part), len(chunk.blocks)), NO_COLUMN)
    for number, block in enumerate(chunk.blocks):
        columns = [block.own, *block.parts][part]
        sources[: len(columns), number] = [source_of_column[column] for column in columns]
    return sources
