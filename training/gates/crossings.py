"""Values of a feature at which the features derived from it cross split thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.graph.features import FeatureGraph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scoreline.core.contract import Contract
    from training.export.parity import Probed

    type Points = tuple[NDArray[np.int64], NDArray[np.float32]]


def derived_thresholds(model: Probed, contract: Contract) -> dict[int, NDArray[np.float32]]:
    """Rising split thresholds of each derived feature, by its position among the sources."""
    found: dict[int, set[np.float32]] = {}
    for tree in (tree for ensemble in model.ensembles for tree in ensemble.trees):
        inner = tree.feature >= 0
        for column, threshold in zip(tree.feature[inner], tree.threshold[inner], strict=True):
            tested = model.columns[column]
            if tested.value is None and tested.source >= len(contract.features):
                found.setdefault(tested.source, set()).add(threshold)
    return {source: np.array(sorted(values), np.float32) for source, values in found.items()}


def crossings(
    contract: Contract,
    thresholds: dict[int, NDArray[np.float32]],
    rows: NDArray[np.float32],
    position: int,
    grid: NDArray[np.float32],
) -> Points:
    """The two neighbouring float32 values of a feature on either side of each crossing.

    Every threshold between the derived values at two neighbouring values of the grid is found, so
    that none is missed where a derived feature moves one way between them.

    Parameters
    ----------
    thresholds : see `derived_thresholds`
    rows : shape (n_rows, n_features)
    position : the feature that changes
    grid : its values, rising, shape (n_values,)

    Returns
    -------
    The numbers of rows and the values, both of shape (n_points,)
    """
    columns = _Derived(contract, rows, position)
    found = [
        points
        for source, levels in thresholds.items()
        for points in _of_one(columns, source, levels, grid)
    ]
    owners = [owner for owner, _ in found] or [np.empty(0, np.int64)]
    values = [value for _, value in found] or [np.empty(0, np.float32)]
    return np.concatenate(owners), np.concatenate(values)


class _Derived:
    """Derived values of rows in which one feature is changed."""

    def __init__(self, contract: Contract, rows: NDArray[np.float32], position: int) -> None:
        self.rows = rows
        self._position = position
        self._graph = FeatureGraph(contract)
        amounts = enumerate(self._graph.columns_)
        self._column = {c.source: number for number, c in amounts if c.value is None}

    def at(
        self, source: int, owner: NDArray[np.int64], values: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Values of a derived feature, shape (n_points,)."""
        changed = self.rows[owner]
        changed[:, self._position] = values
        return self._graph.transform(changed)[:, self._column[source]]


def _of_one(
    columns: _Derived, source: int, levels: NDArray[np.float32], grid: NDArray[np.float32]
) -> Iterator[Points]:
    """The values below and above each crossing of one derived feature."""
    owner = np.repeat(np.arange(len(columns.rows)), len(grid))
    derived = columns.at(source, owner, np.tile(grid, len(columns.rows)))
    # NaN sorts last, and a tree that compares with `<` sees it as above every threshold.
    level = np.searchsorted(levels, derived, side="right").reshape(-1, len(grid))
    first, last = np.minimum(level[:, :-1], level[:, 1:]), np.maximum(level[:, :-1], level[:, 1:])
    row, cell = np.nonzero(last > first)
    counts = (last - first)[row, cell]
    row, cell, start = (np.repeat(each, counts) for each in (row, cell, first[row, cell]))
    crossed = levels[start + np.arange(len(start)) - np.repeat(counts.cumsum() - counts, counts)]
    low, high = _ordinal(grid[cell]), _ordinal(grid[cell + 1])
    below = columns.at(source, row, grid[cell]) < crossed
    while (high - low > 1).any():
        middle = (low + high) // 2
        same = (columns.at(source, row, _value(middle)) < crossed) == below
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    yield row, _value(low)
    yield row, _value(high)


def _ordinal(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Whole numbers in the order of float32 values: neighbours differ by 1."""
    bits = (values + np.float32(0)).view(np.int32).astype(np.int64)  # + 0 turns -0 into 0
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


def _value(ordinals: NDArray[np.int64]) -> NDArray[np.float32]:
    """The float32 values of `_ordinal`."""
    bits = np.where(ordinals < 0, -ordinals - (1 << 31), ordinals)
    return bits.astype(np.int32).view(np.float32)
