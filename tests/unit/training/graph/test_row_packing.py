"""Packing keeps every group, and every number of its rows, in a section with room for it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.graph.row_packing import EMPTY, packed

N_SOURCES = 40
sets_of_sources = st.lists(
    st.sets(st.integers(0, N_SOURCES - 1), max_size=20), min_size=1, max_size=60
)


@given(sets_of_sources)
def test_every_group_has_one_place(used):
    slots = packed(used, N_SOURCES, 2).slots

    assert sorted(slots[slots != EMPTY]) == list(range(len(used)))


@given(sets_of_sources)
def test_short_rows_lose_nothing(used):
    packing = packed(used, N_SOURCES, 2)
    kept = packing.kept

    for k, groups in enumerate(packing.slots.T):
        for g in groups[groups != EMPTY]:
            row = np.zeros(N_SOURCES + 2)
            row[[*used[g], -2, -1]] = np.arange(1, len(used[g]) + 3)
            assert np.array_equal(kept[:, k] @ (row @ kept[:, k]), row)


def test_groups_of_few_sources_share_short_rows():
    used = [{5 * i, 5 * i + 1} for i in range(8)] * 20

    packing = packed(used, N_SOURCES, 2)

    assert packing.width == 16
    assert all(len(section.sources) <= 14 for section in packing.sections)


def test_a_group_of_many_sources_lengthens_the_rows():
    assert packed([set(range(15)), {3}], N_SOURCES, 2).width == 32


def test_rows_are_full_if_short_ones_would_leave_most_slots_empty():
    apart = [set(range(14 * i, 14 * i + 14)) for i in range(2)]

    assert packed(apart, 28, 2).width == 30
