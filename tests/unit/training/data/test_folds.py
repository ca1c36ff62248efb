"""Folds of calibration, tuning and comparison: they go forward in time and keep units together."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreline.core.errors import DatasetError
from tests.unit.training.data.test_stable_order import dataset
from training.data.folds import draw_folds


def rows(rng, count, times=None, units=None):
    found = dataset(rng, count)
    time = None if times is None else rng.integers(0, times, count).astype(float)
    unit = None if units is None else rng.integers(0, units, count).astype(np.uint64)
    y = (rng.random(count) < 0.3).astype(np.int8)
    return replace(found, y=y, time=time, unit=unit)


@given(st.integers(0, 10_000), st.sampled_from([7, 30, 1000]))
def test_folds_go_forward_in_time_and_never_cut_through_a_time(seed, times):
    drawn = rows(np.random.default_rng(seed), 400, times)

    folds = draw_folds(drawn, 5, seed=1)

    for fitted, held_out in folds:
        assert drawn.time[fitted].max() < drawn.time[held_out].min()
    latest = [drawn.time[held_out].max() for _, held_out in folds]
    assert latest == sorted(set(latest))
    assert latest[-1] == drawn.time.max()
    assert len(folds) == 5 or times == 7


@given(st.integers(0, 10_000), st.sampled_from([None, 30]))
def test_no_unit_is_on_both_sides_of_a_fold(seed, times):
    drawn = rows(np.random.default_rng(seed), 600, times, units=200)

    for fitted, held_out in draw_folds(drawn, 4, seed=1):
        assert not set(drawn.unit[fitted]) & set(drawn.unit[held_out])


@pytest.mark.parametrize("units", [None, 250])
def test_random_folds_hold_out_each_row_once_and_equal_shares_of_defaults(units):
    drawn = rows(np.random.default_rng(1), 500, units=units)

    held_out = [held for _, held in draw_folds(drawn, 5, seed=1)]

    assert sorted(np.concatenate(held_out).tolist()) == list(range(500))
    for fold in held_out:
        assert drawn.y[fold].mean() == pytest.approx(drawn.y.mean(), abs=0.05)


def test_blocks_of_time_hold_equally_many_defaults_where_few_default():
    rng = np.random.default_rng(1)
    drawn = replace(rows(rng, 5000, times=5000), y=(np.arange(5000) % 250 == 0).astype(np.int8))

    folds = draw_folds(drawn, 4, seed=1)

    assert [int(drawn.y[held_out].sum()) for _, held_out in folds] == [4, 4, 4, 4]


def test_nested_folds_leave_times_to_draw_folds_from():
    drawn = rows(np.random.default_rng(1), 600, times=12)

    for fitted, _ in draw_folds(drawn, 10, seed=1, nested=True):
        assert draw_folds(drawn.take(fitted), 5, seed=1)


def test_too_few_rows_or_times_are_named():
    rng = np.random.default_rng(1)
    few = replace(rows(rng, 100), y=np.repeat([0, 1], [96, 4]).astype(np.int8))

    with pytest.raises(DatasetError, match="4 training rows of one class are too few for 5 folds"):
        draw_folds(few, 5, seed=1)
    with pytest.raises(DatasetError, match=r"split\.column: the training rows have too few times"):
        draw_folds(rows(rng, 100, times=1), 5, seed=1)
