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

from training.graph.blocks.kinds import check_size, kinds_of
from training.graph.blocks.many_rows import add_block_contributions
from training.graph.blocks.products import add_block_sums
from training.graph.builder import ML
from training.graph.contribution_sums import NO_COLUMN, PIECE_LENGTH, RAW_PARTS, pieces_of
from training.graph.row_packing import ROW_WIDTH, packed
from training.graph.shapley_tables import (
    Group,
    coarse_and_fine,
    constant_of,
    expected_raw,
    groups_of,
)
from training.graph.table_rows import Reading, picked_sums, row_numbers, row_numbers_in_blocks
from training.graph.trees import depth_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.graph.builder import GraphBuilder
    from training.graph.trees import Ensemble

# In the form for many rows; measured: smaller blocks are no faster and load slower.
GROUPS_PER_BLOCK = 512
# Groups up to this size are faster than blocks, and beyond it larger; measured.
MAX_GROUP_BYTES = 16_000_000
DEEPEST_GROUPS = 12  # a path of 12 columns alone would have 4096 rows


@dataclass(frozen=True, slots=True)
class Contributions:
    """Names of the tensors `raw`, (n_rows, 1), and `contributions`, (n_rows, n_sources).

    raw = expected_raw + sum of contributions, up to float32 rounding. Blocks for many rows have no
    raw output: "".
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
        The tables would exceed MAX_TABLE_BYTES, or no tree has a split.
    """
    groups = _small_groups(ensemble, source_of_column, n_sources)
    if groups is None:
        return _of_blocks(
            graph, columns, ensemble, source_of_column, n_sources, readings, many_rows=many_rows
        )
    if many_rows:
        groups.sort(key=lambda group: group.n_steps)
    tables = [group.table(source_of_column, n_sources) for group in groups]
    tables[0][:, -1] += constant_of(ensemble)
    tables = [np.hstack([table[:, :-1], *coarse_and_fine(table[:, -1:])]) for table in tables]

    if many_rows:
        sums = _sums_of_many_rows(graph, columns, groups, tables, len(source_of_column))
    else:
        sums = _sums(graph, columns, groups, tables, readings or _each_itself(source_of_column))
    contributions, raw_parts = _divided(graph, sums, n_sources)
    raw = graph.node("ReduceSum", raw_parts, graph.constant([1], np.int64), keepdims=1)
    return Contributions(raw, contributions, expected_raw(ensemble))


def _of_blocks(
    graph: GraphBuilder,
    columns: str,
    ensemble: Ensemble,
    source_of_column: Sequence[int],
    n_sources: int,
    readings: Sequence[Reading],
    *,
    many_rows: bool,
) -> Contributions:
    kinds = kinds_of(ensemble)
    check_size(kinds)
    expected = expected_raw(ensemble)
    if many_rows:
        found = add_block_contributions(graph, columns, kinds, source_of_column, n_sources)
        return Contributions("", found, expected)
    readings = readings or _each_itself(source_of_column)
    sums = add_block_sums(graph, columns, kinds, source_of_column, n_sources, readings)
    contributions, raw_parts = _divided(graph, sums, n_sources)
    constant = graph.constant([coarse_and_fine(constant_of(ensemble))])
    moved = graph.node("Add", raw_parts, constant)
    raw = graph.node("ReduceSum", moved, graph.constant([1], np.int64), keepdims=1)
    return Contributions(raw, contributions, expected)


def _each_itself(source_of_column: Sequence[int]) -> list[Reading]:
    return [Reading(column) for column in range(len(source_of_column))]


def _divided(graph: GraphBuilder, sums: str, n_sources: int) -> list[str]:
    """Contributions, and the two parts of the raw output."""
    widths = graph.constant([n_sources, RAW_PARTS], np.int64)
    return graph.nodes("Split", sums, widths, outputs=2, axis=1)


def _small_groups(
    ensemble: Ensemble, source_of_column: Sequence[int], n_sources: int
) -> list[Group] | None:
    """The groups of leaves, if their tables are small; they are faster than blocks then."""
    if max(map(depth_of, ensemble.trees)) > DEEPEST_GROUPS:
        return None
    groups = groups_of(ensemble, 4 * min(ROW_WIDTH, n_sources + RAW_PARTS))
    n_rows = sum(group.n_rows for group in groups)
    if 4 * n_rows * min(ROW_WIDTH, n_sources + RAW_PARTS) > MAX_GROUP_BYTES:
        return None
    used = [{source_of_column[axis.column] for axis, _ in group.axes} for group in groups]
    width = packed(used, n_sources, RAW_PARTS).width
    return groups if 4 * n_rows * width <= MAX_GROUP_BYTES else None


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
        pieces, columns_of_pieces = pieces_of(block.columns.ravel(), width, PIECE_LENGTH)
        sums.append(picked_sums(graph, graph.node("Reshape", looked_up, shape), pieces))
        columns_of_sums.append(columns_of_pieces)
    joined = graph.node("Concat", *sums, axis=0) if len(sums) > 1 else sums[0]
    column = np.concatenate(columns_of_sums)
    most = int(np.bincount(column[column != NO_COLUMN]).max())
    total = picked_sums(graph, joined, pieces_of(column, width, most)[0][:, :width])
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
