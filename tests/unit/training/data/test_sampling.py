import numpy as np
import pytest

from training.data.sampling import drawn, drawn_by_class, evenly_spaced


@pytest.mark.parametrize("draw", [evenly_spaced, drawn])
def test_few_rows_are_all_taken(draw):
    assert draw(5, 5).tolist() == [0, 1, 2, 3, 4]


def test_evenly_spaced_rows_reach_from_the_first_to_the_last():
    rows = evenly_spaced(1001, 11)

    assert rows.tolist() == list(range(0, 1001, 100))


def test_drawn_rows_rise_and_are_the_same_each_time():
    rows = drawn(1000, 100)

    assert (np.diff(rows) > 0).all()
    assert (rows == drawn(1000, 100)).all()
    assert (rows != drawn(1000, 100, seed=2)).any()


def test_rows_drawn_by_class_keep_the_shares_of_the_classes():
    y = np.repeat(np.array([0, 1], np.int8), [900, 100])

    rows = drawn_by_class(y, 100)

    assert len(set(rows.tolist())) == 100
    assert y[rows].sum() == 10
    assert len(drawn_by_class(y, 1000)) == 1000
