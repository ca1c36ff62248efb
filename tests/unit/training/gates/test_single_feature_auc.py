import numpy as np
import pytest

from training.gates.single_feature_auc import cross_fitted_auc


def outcomes(rows, rng):
    return (rng.random(rows) < 0.2).astype(np.int8)


@pytest.mark.parametrize("categories", [2, 50, 1_500, 2_250])
def test_random_categories_tell_nothing_however_many_there_are(categories):
    rng = np.random.default_rng(3)
    y = outcomes(2_250, rng)

    assert cross_fitted_auc(rng.integers(0, categories, 2_250), y) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_the_outcome_in_disguise_is_found(noise):
    rng = np.random.default_rng(4)
    y = outcomes(2_250, rng)
    leaked = np.where(rng.random(len(y)) < noise, 1 - y, y)

    assert cross_fitted_auc(5 * leaked + rng.integers(0, 5, len(y)), y) > 0.9


def test_many_categories_that_tell_the_outcome_are_found():
    rng = np.random.default_rng(5)
    bins = rng.integers(0, 300, 6_000)
    y = (bins % 7 == 0).astype(np.int8)

    assert cross_fitted_auc(bins, y) > 0.98


def test_the_order_of_the_rows_has_no_influence():
    rng = np.random.default_rng(6)
    y, bins = outcomes(500, rng), rng.integers(0, 40, 500)
    shuffled = rng.permutation(500)

    assert cross_fitted_auc(bins[shuffled], y[shuffled]) == cross_fitted_auc(bins, y)


def test_one_default_is_too_few_for_more_than_a_guess():
    y = np.array([0, 0, 0, 0, 0, 0, 1], np.int8)

    assert 0 <= cross_fitted_auc(np.arange(7), y) <= 1


def test_a_category_that_tells_who_a_customer_is_tells_nothing_of_other_customers():
    rng = np.random.default_rng(7)
    customer = np.repeat(np.arange(500), 6)
    y = outcomes(500, rng)[customer]  # a customer's loans all end alike

    assert cross_fitted_auc(customer, y) > 0.9
    assert cross_fitted_auc(customer, y, customer.astype(np.uint64)) == 0.5
