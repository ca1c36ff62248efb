import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from training.data.row_keys import are_among, pack_rows, row_keys

rows = arrays(
    np.float32, st.tuples(st.integers(1, 30), st.integers(1, 8)), elements=st.floats(width=32)
)


@given(rows)
def test_every_row_that_was_packed_is_among_them(X):
    assert are_among(X, pack_rows(X)).all()
    assert len(pack_rows(np.concatenate([X, X]))) == len(pack_rows(X))


def test_a_row_that_differs_in_one_value_is_not():
    X = np.random.default_rng(1).normal(size=(5000, 6)).astype(np.float32)
    changed = X.copy()
    changed[:, 3] = np.nextafter(changed[:, 3], np.float32(9))

    assert not are_among(changed, pack_rows(X)).any()
    assert not are_among(X[:, ::-1], pack_rows(X)).any()


def test_missing_values_match_and_zeros_of_either_sign_match():
    one = np.array([[np.nan, 0.0]], np.float32)
    other = np.array([[-np.float32(np.nan), -0.0]], np.float32)

    assert row_keys(one) == row_keys(other)


def test_an_empty_set_of_rows_is_handled():
    assert not are_among(np.ones((3, 2), np.float32), b"").any()
