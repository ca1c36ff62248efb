import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoreline.core.contract import Contract
from scoreline.core.features import Feature
from training.evaluate.population_stability import (
    baseline,
    critical_psi,
    psi,
    shift,
    shifts,
)
from training.evaluate.psi_bins import decile_bins, psi_bins_of

INCOME = Feature("income", "number", special_codes={"no_record": -99})
REGION = Feature("region", "category", categories=("north", "south"))
counts = st.integers(2, 12).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(1, 500), min_size=n, max_size=n)] * 2)
)


def test_psi_by_hand():
    # Shares .2 .3 .5 become .3 .3 .4: .1 ln 1.5 + 0 - .1 ln .8 = .0405465 + .0223144.
    assert psi(np.array([20, 30, 50]), np.array([60, 60, 80])) == pytest.approx(0.0628609, abs=1e-7)


def test_an_empty_bin_counts_as_half_a_row():
    # Shares .9 .1 become 1 and .5 / 50: .1 ln (1 / .9) + (.01 - .1) ln .1.
    assert psi(np.array([90, 10]), np.array([50, 0])) == pytest.approx(0.2177687, abs=1e-7)


def test_a_bin_that_is_empty_in_both_counts_for_nothing():
    full, empty = np.array([50, 50]), np.array([50, 50, 0])

    assert shift(empty, empty).bins == 2
    assert psi(empty, np.array([60, 40, 0])) == psi(full, np.array([60, 40]))


@given(counts)
def test_psi_is_no_less_than_0_and_the_same_both_ways(drawn):
    first, second = map(np.array, drawn)

    assert psi(first, second) >= 0
    assert psi(first, second) == pytest.approx(psi(second, first))
    assert psi(first, 3 * first) == pytest.approx(0)


def test_critical_value_by_the_table_of_chi_square():
    # The 95 % quantile of 9 degrees of freedom is 16.919; of 1 it is 3.841.
    assert critical_psi(200, 400, 10) == pytest.approx(16.919 * (1 / 200 + 1 / 400), abs=1e-5)
    assert critical_psi(1000, 1000, 2) == pytest.approx(3.841 * 0.002, abs=1e-6)


def test_of_samples_of_one_population_a_twentieth_exceeds_the_critical_value():
    rng = np.random.default_rng(1)
    shares = np.full(10, 0.1)
    found = [psi(rng.multinomial(2000, shares), rng.multinomial(500, shares)) for _ in range(2000)]

    assert np.mean(np.array(found) > critical_psi(2000, 500, 10)) == pytest.approx(0.05, abs=0.015)


def test_a_shift_is_judged_by_the_convention_where_chance_does_not_explain_it():
    even = np.full(10, 1000)
    tilted = np.array([1600, 1400, 1200, 1100, 1000, 1000, 900, 800, 600, 400])

    assert shift(even, even).verdict == "stable"
    assert shift(even, tilted).verdict == "moderate"
    assert shift(even, tilted**2 // 1000).verdict == "large"
    assert shift(even // 100, tilted // 200).verdict == "stable"  # 50 rows say nothing


@given(arrays(np.float32, st.integers(1, 60), elements=st.floats(-99, 50, width=16)))
def test_every_value_falls_into_one_bin_at_or_above_it(values):
    values[::7], values[::5] = np.nan, -99
    bins = psi_bins_of(INCOME, values)

    assigned = bins.assign(values)

    assert bins.count(values).sum() == len(values)
    assert (assigned[np.isnan(values)] == bins.labels.index("missing")).all()
    assert (assigned[values == -99] == bins.labels.index("no_record")).all()
    for value, number in zip(values, assigned, strict=True):
        if not np.isnan(value) and value != -99:
            lower = -np.inf if number == 0 else bins.edges[number - 1]
            assert lower < value
            assert number == len(bins.edges) or value <= bins.edges[number]


def test_deciles_of_a_hundred_amounts_have_ten_each():
    values = np.arange(100.0)
    bins = decile_bins(values, {})

    assert bins.count(values).tolist() == [10] * 10 + [0]
    assert (bins.labels[0], bins.labels[9]) == ("to 9", "over 89")


def test_categories_not_listed_and_missing_have_bins_of_their_own():
    values = np.array([0, 1, 1, -1, np.nan], np.float32)

    assert psi_bins_of(REGION, values).labels == ("north", "south", "not listed", "missing")
    assert psi_bins_of(REGION, values).count(values).tolist() == [1, 2, 1, 1]


def test_a_baseline_finds_the_shifted_feature():
    rng = np.random.default_rng(1)
    contract = Contract("m", "default", "", (INCOME, REGION))
    before, after = (
        np.column_stack([rng.normal(mean, 1, 2000), rng.integers(0, 2, 2000)]).astype(np.float32)
        for mean in (0, 1)
    )

    found = shifts(baseline(contract, before, before[:, 0]), contract, after, after[:, 0])

    assert found["features"]["income"]["verdict"] == "large"
    assert found["features"]["region"]["verdict"] == "stable"
    assert found["score"]["psi"] == pytest.approx(found["features"]["income"]["psi"], rel=0.1)
