"""Packs groups of leaves into sections that use few sources, so that table rows are short.

A group contributes only to the few sources that its leaves test, so a table row with room for every
source would be mostly zeros. The rows of a section have room only for the sources that its groups
use (see "Finding the row" in docs/graph.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np

from training.graph.table_rows import BUNDLES

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from numpy.typing import NDArray

ROW_WIDTH = 16  # float32 numbers of one cache line
LOOKUP_COST = 48  # cost of looking up an empty row, in numbers copied; measured
EMPTY = -1


@dataclass(slots=True)
class Section:
    """Sources that a section has room for, and the indices of its groups."""

    sources: set[int] = field(default_factory=set)
    groups: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Packing:
    """Sections of at most `size` groups, with rows of `width` numbers.

    size : a multiple of BUNDLES
    n_extra : numbers that follow the contributions in each row
    """

    sections: Sequence[Section]
    size: int
    width: int
    n_sources: int
    n_extra: int

    @property
    def cost(self) -> int:
        """Cost of looking up a row for each group, as if every section were full."""
        return len(self.sections) * self.size * (LOOKUP_COST + self.width)

    @property
    def slots(self) -> NDArray[np.int64]:
        """Index of the group, or EMPTY, in each slot of each section, (size, n_sections)."""
        slots = np.full((self.size, len(self.sections)), EMPTY)
        for k, section in enumerate(self.sections):
            slots[: len(section.groups), k] = sorted(section.groups)
        return slots

    @property
    def kept(self) -> NDArray[np.float64]:
        """Matrices that scatter a section's row into a full row.

        1 where a number of the section's row belongs to a position of the full row, otherwise 0;
        shape (n_sources + n_extra, n_sections, width).
        """
        kept = np.zeros((self.n_sources + self.n_extra, len(self.sections), self.width))
        for k, section in enumerate(self.sections):
            kept[sorted(section.sources), k, range(len(section.sources))] = 1
        kept[self.n_sources :, :, -self.n_extra :] = np.eye(self.n_extra)[:, None]
        return kept


def packed(used: Sequence[Set[int]], n_sources: int, n_extra: int) -> Packing:
    """The packing with the fastest lookup.

    Parameters
    ----------
    used : sources of each group
    n_extra : numbers that each row holds besides contributions, at least 1
    """
    size = BUNDLES * ceil(sqrt(len(used)) / BUNDLES)
    full, most = n_sources + n_extra, max(len(sources) for sources in used)
    widths = (*range(ROW_WIDTH, full, ROW_WIDTH), full)
    packings = [
        Packing(_first_fit(used, size, width - n_extra), size, width, n_sources, n_extra)
        for width in widths
        if width - n_extra >= most
    ]
    return min(packings, key=lambda packing: packing.cost)


def _first_fit(used: Sequence[Set[int]], size: int, room: int) -> list[Section]:
    """Groups with many sources first, each into the section where it adds the fewest sources."""
    sections: list[Section] = []
    for group in sorted(range(len(used)), key=lambda g: -len(used[g])):
        fitting = [
            section
            for section in sections
            if len(section.groups) < size and len(section.sources | used[group]) <= room
        ]
        if not fitting:
            sections.append(Section())
            fitting = sections[-1:]
        best = min(fitting, key=lambda section: len(used[group] - section.sources))
        best.sources.update(used[group])
        best.groups.append(group)
    return sections
