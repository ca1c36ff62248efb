"""Contributions of blocks as ONNX nodes: a row for each part, multiplied and summed.

A row of a part's table holds, for each point and slot, what the slot's contribution is multiplied
by: its own share where the slot's column is of this part, otherwise the product of the part's
factors. So the elementwise product over the parts, summed over the points, is the contribution.
Two more numbers of a row make the same product return the leaf that is reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

from training.graph.blocks.joined import Joined
from training.graph.blocks.tables import part_tables
from training.graph.builder import ML
from training.graph.contribution_sums import NO_COLUMN, PIECE_LENGTH, RAW_PARTS, pieces_of
from training.graph.shapley_tables import Rows, coarse_and_fine
from training.graph.table_rows import row_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.graph.blocks.kinds import Kind
    from training.graph.blocks.tables import PartTable
    from training.graph.builder import GraphBuilder
    from training.graph.table_rows import Reading

BUNDLES = 32  # many small tables: more bundles than for groups; measured
EMPTY = Rows([], [])


def joined_tables(kind: Kind) -> list[Joined]:
    """The tables of a kind: of the blocks' own columns, then of each part of the path."""
    by_block = [part_tables(block, kind.n_points) for block in kind.blocks]
    joined = []
    for part, tables in enumerate(zip(*by_block, strict=True)):
        rows = [table.rows for table in tables]
        joined.append(Joined.of(rows, [_row_layout(kind, part, table) for table in tables]))
    return joined


def _row_layout(kind: Kind, part: int, table: PartTable) -> NDArray[np.float64]:
    """Rows of (n_points * n_slots + RAW_PARTS) numbers."""
    n_rows, n_points = table.whole.shape
    first = kind.first_slot(part)
    slots = np.repeat(table.whole[:, :, None], kind.n_slots, 2)
    slots[:, :, first : first + kind.slots_of(part)] = 0
    slots[:, :, first : first + len(table.columns)] = table.own
    reached = table.reached[:, None]
    raw = (reached, reached) if part else coarse_and_fine(reached)
    return np.hstack([slots.reshape(n_rows, n_points * kind.n_slots), *raw])


def add_block_sums(
    graph: GraphBuilder,
    values: str,
    kinds: Sequence[Kind],
    source_of_column: Sequence[int],
    n_sources: int,
    readings: Sequence[Reading],
) -> str:
    """Contributions, then the two parts of the raw output: (n_rows, n_sources + RAW_PARTS).

    values : float32 tensor of shape (n_rows, n_values)
    """
    joined = [joined_tables(kind) for kind in kinds]
    numbers = iter(_numbers(graph, values, [part for parts in joined for part in parts], readings))
    slots, owners = [], []
    for kind, parts in zip(kinds, joined, strict=True):
        found = [
            graph.node("GatherND", graph.constant(part.table), next(numbers)) for part in parts
        ]
        slots.append(_product(graph, kind, found))
        owners.append(_slot_sources(kind, source_of_column, n_sources))
    every = graph.node("Concat", *slots, axis=1)
    return _summed(graph, every, np.concatenate(owners), n_sources + RAW_PARTS)


def _numbers(
    graph: GraphBuilder, values: str, parts: Sequence[Joined], readings: Sequence[Reading]
) -> list[str]:
    """For each part, the rows that its blocks reach: int64 of shape (n_rows, n_blocks, 1)."""
    rows = [own for part in parts for own in part.rows]
    padding = -len(rows) % BUNDLES
    first = np.array([number for part in parts for number in part.first] + [0] * padding)
    padded = [*rows, *[EMPTY] * padding]
    sizes = [len(part.rows) for part in parts]
    if padding:
        sizes.append(padding)
    found = row_numbers(graph, values, padded, readings, bundles=BUNDLES, first_rows=first)
    as_index = graph.node("Cast", found, to=TensorProto.INT64)
    upright = graph.node("Reshape", as_index, graph.constant([-1, len(padded), 1], np.int64))
    if len(sizes) == 1:
        return [upright]
    return graph.nodes(
        "Split", upright, graph.constant(sizes, np.int64), outputs=len(sizes), axis=1
    )


def _product(graph: GraphBuilder, kind: Kind, found: Sequence[str]) -> str:
    """Slots of all blocks: (n_rows, n_blocks * (n_slots + RAW_PARTS))."""
    product = found[0]
    for other in found[1:]:
        product = graph.node("Mul", product, other)
    width = kind.n_slots + RAW_PARTS
    if kind.n_points > 1:
        over_points = np.zeros((kind.n_points * kind.n_slots + RAW_PARTS, width))
        over_points[:-RAW_PARTS, :-RAW_PARTS] = np.tile(np.eye(kind.n_slots), (kind.n_points, 1))
        over_points[-RAW_PARTS:, -RAW_PARTS:] = np.eye(RAW_PARTS)
        product = graph.node("MatMul", product, graph.constant(over_points))
    shape = graph.constant([-1, len(kind.blocks) * width], np.int64)
    return graph.node("Reshape", product, shape)


def _slot_sources(kind: Kind, source_of_column: Sequence[int], n_sources: int) -> NDArray[np.int64]:
    """Source that each slot of each block is added to; NO_COLUMN for an unused slot."""
    sources = np.full((len(kind.blocks), kind.n_slots + RAW_PARTS), NO_COLUMN)
    sources[:, -RAW_PARTS:] = n_sources + np.arange(RAW_PARTS)
    for own, block in zip(sources, kind.blocks, strict=True):
        for part, columns in enumerate([block.own, *block.parts]):
            first = kind.first_slot(part)
            own[first : first + len(columns)] = [source_of_column[c] for c in columns]
    sources[-1] = NO_COLUMN  # of the empty block
    return sources.ravel()


def _summed(graph: GraphBuilder, slots: str, source: NDArray[np.int64], n_sums: int) -> str:
    """Sums of the slots by source, (n_rows, n_sums), in an order that no batch changes."""
    pieces, source_of_piece = pieces_of(source, n_sums, PIECE_LENGTH)
    n_pieces = pieces.shape[1]
    picked = graph.node(
        "ArrayFeatureExtractor", slots, graph.constant(pieces.reshape(1, -1), np.int64), domain=ML
    )
    shape = graph.constant([-1, PIECE_LENGTH, n_pieces], np.int64)
    stacked = graph.node("Reshape", picked, shape)
    sums = graph.node("MatMul", graph.constant(np.ones((1, PIECE_LENGTH))), stacked)
    upright = graph.node("Reshape", sums, graph.constant([-1, n_pieces, 1], np.int64))
    scatter = np.arange(n_sums)[:, None] == source_of_piece
    total = graph.node("MatMul", graph.constant(scatter), upright)
    return graph.node("Squeeze", total, graph.constant([2], np.int64))
