import numpy as np

from training.data.row_keys import row_keys


def test_a_row_that_differs_in_one_value_has_another_key():
    X = np.random.default_rng(1).normal(size=(5000, 6)).astype(np.float32)
    changed = X.copy()
    changed[:, 3] = np.nextafter(changed[:, 3], np.float32(9))

    assert not np.isin(row_keys(changed), row_keys(X)).any()
    assert not np.isin(row_keys(X[:, ::-1]), row_keys(X)).any()


def test_missing_values_match_and_zeros_of_either_sign_match():
    one = np.array([[np.nan, 0.0]], np.float32)
    other = np.array([[-np.float32(np.nan), -0.0]], np.float32)

    assert row_keys(one) == row_keys(other)
