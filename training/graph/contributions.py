"""Exact path-dependent TreeSHAP as standard ONNX nodes, from tables computed at export.

The leaves of a tree are split into groups, and the contributions of a group in every case are rows
of one table (`shapley_tables.py`). Scoring finds one row per group (`table_rows.py`) and sums these
rows. docs/graph.md explains the method with a worked tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

from training.graph.builder import ML
from training.graph.row_packing import ROW_WIDTH, packed
from training.graph.shapley_tables import Group, coarse_and_fine, groups_of, on_grid
from training.graph.table_rows import Reading, picked_sums, row_numbers, row_numbers_in_blocks
from training.graph.trees import LEAF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.graph.builder import GraphBuilder
    from training.graph.trees import Ensemble

RAW_PARTS = 2  # coarse and fine
# In the form for many rows; measured.
GROUPS_PER_BLOCK = 512  # looked up together; smaller blocks are no faster and load slower
PIECE_LENGTH = 16  # table entries of one column that are summed at once
NO_COLUMN = -1


@dataclass(frozen=True, slots=True)
class Contributions:
    """Names of the tensors `raw`, (n_rows, 1), and `contributions`, (n_rows, n_sources).

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
    readings: Sequence[Reading] = (),
    many_rows: bool = False,
) -> Contributions:
    """Raw output and its exact TreeSHAP contributions (path-dependent), summed per source feature.

    A row's results are bit for bit the same alone and in any batch.

    Parameters
    ----------
    columns : float32 tensor of shape (n_rows, n_columns), or (n_columns, n_rows) in the form for
        many rows; NaN for missing
    source_of_column : for each column, the index of the source feature that it derives from
    n_sources : number of source features, the width of the contributions
    readings : how each column of the ensemble follows from `columns`, if these are raw values; the
        form for many rows needs the columns themselves
    many_rows : choose the form for runs of about ROWS_PER_EXPLAINED_RUN rows, which is slow on one
        row; its raw output is the same bit for bit, contributions differ by float32 rounding

    Raises
    ------
    ExportError
        The tables would exceed MAX_TABLE_BYTES: the trees are too deep.
    """
    groups = groups_of(ensemble, 4 * min(ROW_WIDTH, n_sources + RAW_PARTS))
    if many_rows:
        groups.sort(key=lambda group: group.n_steps)
    tables = [group.table(source_of_column, n_sources) for group in groups]
    constant = on_grid(ensemble.base)
    constant += sum(on_grid(t.value[0]) for t in ensemble.trees if t.left[0] == LEAF)
    tables[0][:, -1] += constant
    tables = [np.hstack([table[:, :-1], *coarse_and_fine(table[:, -1:])]) for table in tables]

    if many_rows:
        sums = _sums_of_many_rows(graph, columns, groups, tables, len(source_of_column))
    else:
        readings = readings or [Reading(column) for column in range(len(source_of_column))]
        sums = _sums(graph, columns, groups, tables, readings)
    widths = graph.constant([n_sources, RAW_PARTS], np.int64)
    contributions, raw_parts = graph.nodes("Split", sums, widths, outputs=2, axis=1)
    raw = graph.node("ReduceSum", raw_parts, graph.constant([1], np.int64), keepdims=1)
    expected = sum(leaf.expected for group in groups for leaf in group.leaves)
    return Contributions(raw, contributions, float(constant + expected))


def _sums(
    graph: GraphBuilder,
    values: str,
    groups: Sequence[Group],
    tables: Sequence[NDArray[np.float64]],
    readings: Sequence[Reading],
) -> str:
    """Sum of the groups' table rows, shape (n_rows, width).

    Sections lie side by side to fill SIMD vectors.
    """
    width = tables[0].shape[1]
    used = [set(np.flatnonzero(table[:, :-RAW_PARTS].any(0)).tolist()) for table in tables]
    packing = packed(used, width - RAW_PARTS, RAW_PARTS)
    kept, slots = packing.kept, packing.slots
    n_slots, n_kept = len(slots), kept[0].size
    groups, tables = [*groups, Group([])], [*tables, np.zeros((1, width))]  # for EMPTY slots
    table = [tables[g] @ kept[:, k] for slot in slots for k, g in enumerate(slot)]

    rows = row_numbers(graph, values, [groups[g] for g in slots.ravel()], readings)
    numbers = graph.node("Cast", rows, to=TensorProto.INT64)
    indices = graph.node("Reshape", numbers, graph.constant([-1, slots.size, 1], np.int64))
    # GatherND stalls less than Gather on rows that are not cached; measured.
    looked_up = graph.node("GatherND", graph.constant(np.concatenate(table)), indices)
    shape = graph.constant([-1, n_slots, n_kept], np.int64)
    side_by_side = graph.node("Reshape", looked_up, shape)
    # A matrix product per row of X: the order of summation must not depend on the batch, as that of
    # ReduceSum over a middle axis does.
    sums = graph.node("MatMul", graph.constant(np.ones((1, n_slots))), side_by_side)
    upright = graph.node("Reshape", sums, graph.constant([-1, n_kept, 1], np.int64))
    total = graph.node("MatMul", graph.constant(kept.reshape(width, n_kept)), upright)
    return graph.node("Squeeze", total, graph.constant([2], np.int64))


def _sums_of_many_rows(
    graph: GraphBuilder,
    columns: str,
    groups: Sequence[Group],
    tables: Sequence[NDArray[np.float64]],
    n_columns: int,
) -> str:
    """The same with a column per row of X in every tensor, so that SIMD vectors run along rows.

    Blocks of groups are looked up one after the other, so that tables and rows stay in the cache.
    """
    width = tables[0].shape[1]
    starts = range(0, len(groups), GROUPS_PER_BLOCK)
    blocks = [_Block.of(groups[i : i + GROUPS_PER_BLOCK], tables[i:]) for i in starts]
    numbers = row_numbers_in_blocks(graph, columns, [b.groups for b in blocks], n_columns)

    sums, columns_of_sums = [], []
    for block, rows in zip(blocks, numbers, strict=True):
        table = graph.constant(block.table)
        looked_up = graph.node("ArrayFeatureExtractor", table, rows, domain=ML)
        shape = graph.constant([block.columns.size, -1], np.int64)
        pieces, columns_of_pieces = _pieces(block.columns.ravel(), width, PIECE_LENGTH)
        sums.append(picked_sums(graph, graph.node("Reshape", looked_up, shape), pieces))
        columns_of_sums.append(columns_of_pieces)
    joined = graph.node("Concat", *sums, axis=0) if len(sums) > 1 else sums[0]
    column = np.concatenate(columns_of_sums)
    most = int(np.bincount(column[column != NO_COLUMN]).max())
    total = picked_sums(graph, joined, _pieces(column, width, most)[0][:, :width])
    return graph.transposed(total)


@dataclass(frozen=True, slots=True)
class _Block:
    """Groups whose joined table keeps only the columns that each group uses.

    The first group is empty. A slot holds a different column for each group.

    table : (n_slots, n_rows), the transposed table
    columns : (n_slots, n_groups), column of the sum that a group's slot is added to; NO_COLUMN for
        an unused slot, which is 0
    """

    groups: Sequence[Group]
    table: NDArray[np.float64]
    columns: NDArray[np.int64]

    @classmethod
    def of(cls, groups: Sequence[Group], tables: Sequence[NDArray[np.float64]]) -> _Block:
        used = [np.flatnonzero(table.any(0)) for table in tables[: len(groups)]]
        n_slots = max(1, *(len(columns) for columns in used))
        slots = np.full((n_slots, 1 + len(groups)), NO_COLUMN)
        parts = [np.zeros((1, n_slots))]
        for g, (own, table) in enumerate(zip(used, tables, strict=False)):
            slots[: len(own), g + 1] = own
            parts.append(np.pad(table[:, own], ((0, 0), (0, n_slots - len(own)))))
        return cls([Group([]), *groups], np.concatenate(parts).T, slots)


def _pieces(
    column: NDArray[np.int64], n_columns: int, length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Items to be summed, (length, n_pieces), and the column that each piece belongs to.

    Items of NO_COLUMN are 0 and pad the pieces; the last piece holds only such items.

    column : column that each item belongs to
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
