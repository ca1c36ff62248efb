"""Expected profit by cutoff."""

from dataclasses import astuple

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, sem

from training.evaluate.outcomes import Outcomes
from training.evaluate.profit import profit_curve, profit_of

Z = norm.ppf(0.975)


def outcomes(rows, rng, *, rate=0.2, weighted=False, default_rate=None):
    y = (rng.random(rows) < rate).astype(np.int8)
    y[:2] = 0, 1
    value = np.where(y, -rng.lognormal(6, 0.5, rows), rng.lognormal(4, 0.5, rows))
    weight = rng.uniform(0.5, 3, rows) if weighted else None
    return Outcomes.of(y, value, weight, default_rate)


def test_a_curve_of_five_rows_by_hand():
    y = np.array([0, 1, 0, 0, 1], np.int8)
    value = np.array([10.0, -60.0, 10.0, 20.0, -30.0])
    scores = np.array([620, 600, 600, 580, 560])

    curve = profit_curve(scores, Outcomes.of(y, value, None, None))

    assert curve.cutoff.tolist() == [621, 620, 600, 580, 560]
    assert curve.approved == pytest.approx([0, 0.2, 0.6, 0.8, 1])
    assert curve.bad_rate == pytest.approx([np.nan, 0, 1 / 3, 0.25, 0.4], nan_ok=True)
    assert curve.profit == pytest.approx([0, 2, -8, -4, -10])
    assert curve.best == 1
    assert [curve.at(cutoff) for cutoff in (700, 621, 620, 610, 600, 0)] == [0, 0, 1, 1, 2, 4]


def test_rows_that_no_cutoff_approves_bring_nothing_and_count_as_applicants():
    y = np.array([0, 1, 0, 0, 1], np.int8)
    value = np.array([10.0, -60.0, 10.0, 20.0, -30.0])
    scores = np.array([620, 600, 600, 580, 560])
    never = np.array([False, True, False, False, True])

    curve = profit_curve(scores, Outcomes.of(y, value, None, None), never)
    nobody = profit_curve(scores, Outcomes.of(y, value, None, None), np.ones(5, bool))

    assert curve.cutoff.tolist() == [621, 620, 600, 580]
    assert curve.approved == pytest.approx([0, 0.2, 0.4, 0.6])
    assert curve.profit == pytest.approx([0, 2, 4, 8])
    assert nobody.profit.tolist() == [0]


def test_where_every_cutoff_loses_nobody_is_approved():
    curve = profit_curve(
        np.array([600, 500]),
        Outcomes.of(np.array([1, 0], np.int8), np.array([-9.0, 2]), None, None),
    )

    assert (curve.best, curve.cutoff[curve.best]) == (0, 601)
    assert astuple(curve.approvals(0))[:2] == (0, None)


@pytest.mark.parametrize("weighted", [False, True])
def test_on_many_rows_the_interval_is_that_of_a_weighted_mean(weighted):
    rng = np.random.default_rng(1)
    found = outcomes(200_000, rng, weighted=weighted)
    chosen = rng.random(200_000) < 0.4

    interval = profit_of(chosen, found).profit

    # The variance of a weighted mean, as that of a regression on a constant with robust errors.
    gain = found.value * chosen
    fitted = sm.WLS(gain, np.ones(len(gain)), found.weight).fit(cov_type="HC0")
    assert interval.value == pytest.approx(fitted.params[0], rel=1e-9)
    assert (interval.high - interval.low) / 2 == pytest.approx(Z * fitted.bse[0], rel=1e-3)


def test_a_known_default_rate_weighs_the_classes_and_does_not_vary():
    found = outcomes(100_000, np.random.default_rng(2), rate=0.3, default_rate=0.03)
    goods, defaults = (found.value[found.y == label] for label in (0, 1))

    everyone = profit_of(np.ones(100_000, bool), found)

    assert everyone.bad_rate == pytest.approx(0.03, rel=1e-9)
    assert everyone.profit.value == pytest.approx(0.97 * goods.mean() + 0.03 * defaults.mean())
    error = np.hypot(0.97 * sem(goods), 0.03 * sem(defaults))
    assert (everyone.profit.high - everyone.profit.low) / 2 == pytest.approx(Z * error, rel=1e-3)


@given(st.integers(0, 10_000), st.sampled_from([None, 0.05]), st.booleans())
def test_the_order_of_rows_has_no_influence(seed, default_rate, weighted):
    rng = np.random.default_rng(seed)
    found = outcomes(150, rng, weighted=weighted, default_rate=None)
    found = Outcomes.of(found.y, np.round(found.value, -2), found.weight, default_rate)
    scores, other = rng.integers(500, 510, 150), rng.permutation(150)
    shuffled = Outcomes.of(found.y[other], found.value[other], found.weight[other], default_rate)
    found = Outcomes.of(found.y, found.value, found.weight, default_rate)

    one, two = profit_curve(scores, found), profit_curve(scores[other], shuffled)

    assert len(one.cutoff) <= 11
    for left, right in zip(vars(one).values(), vars(two).values(), strict=True):
        assert np.array_equal(left, right, equal_nan=True)


def test_an_interval_of_few_losses_is_withheld():
    y = (np.arange(400) < 10).astype(np.int8)
    value = np.where(y == 1, -50.0, 5.0)

    ten = profit_of(np.ones(400, bool), Outcomes.of(y, value, None, None)).profit
    nine = profit_of(np.arange(400) > 0, Outcomes.of(y, value, None, None)).profit
    value[0] = -500  # as large as all others together
    unequal = profit_of(np.ones(400, bool), Outcomes.of(y, value, None, None)).profit

    assert ten.low < ten.value < ten.high
    assert nine.withheld == unequal.withheld == "fewer than 10 gains or losses of like size"
