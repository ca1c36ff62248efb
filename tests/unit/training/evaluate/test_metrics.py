import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from training.evaluate import metrics as evaluation
from training.fit.calibration import sigmoid


def drawn(count=4000, seed=3):
    rng = np.random.default_rng(seed)
    margin = rng.normal(-1, 1.2, count)
    return (rng.random(count) < sigmoid(margin)).astype(np.int8), sigmoid(margin)


def test_auc_by_hand():
    # Pairs (default, good): .8>.3 .8>.6 .5>.3 .5<.6 and the tie .6=.6 counts half: 3.5 of 6 is the
    # number of pairs won when the defaults are .8, .5, .6.
    y = np.array([1, 1, 1, 0, 0], np.int8)
    score = np.array([0.8, 0.5, 0.6, 0.3, 0.6])

    assert evaluation.auc(y, score) == pytest.approx(4.5 / 6)


def test_ks_by_hand():
    # After .2: goods 1/2, defaults 0 -> distance .5; after .4: 1/2 and 1/2; after .6: 1 and 1/2.
    y = np.array([0, 1, 0, 1], np.int8)

    assert evaluation.ks(y, np.array([0.2, 0.4, 0.6, 0.8])) == pytest.approx(0.5)


def test_calibration_error_by_hand():
    # Ten groups of one row each; the mean of |y - p| is (.1 + .2 + .3 + .4 + .5) / 5 = .3.
    y = np.array([0] * 5 + [1] * 5, np.int8)
    p = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.6, 0.7, 0.8, 0.9]) + np.arange(10) * 1e-12

    assert evaluation.calibration_error(y, p) == pytest.approx(0.3)


@given(st.integers(0, 10_000))
def test_figures_equal_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    y = np.append(rng.integers(0, 2, 60), [0, 1]).astype(np.int8)
    p = rng.choice(np.linspace(0.01, 0.99, 12), 62)

    assert evaluation.auc(y, p) == pytest.approx(roc_auc_score(y, p))
    assert evaluation.brier(y, p) == pytest.approx(brier_score_loss(y, p))
    assert evaluation.log_loss(y, p) == pytest.approx(log_loss(y, p))


def test_intervals_contain_their_value_and_shrink_with_rows():
    small, large = evaluation.evaluate(*drawn(400)), evaluation.evaluate(*drawn(8000))

    assert not hasattr(large.pop("calibration_error"), "low")
    for name, interval in large.items():
        assert interval.low < interval.value < interval.high
        assert interval.high - interval.low < small[name].high - small[name].low
    assert large["gini"].value == pytest.approx(2 * large["auc"].value - 1)


def test_a_calibrated_probability_has_intercept_0_and_slope_1():
    y, p = drawn(60_000)

    assert evaluation.calibration_intercept(y, p) == pytest.approx(0, abs=0.03)
    assert evaluation.calibration_slope(y, p) == pytest.approx(1, abs=0.03)


def test_calibration_line_by_construction():
    # Log-odds twice as far from a centre shifted by .5, so the true slope is .5.
    y, p = drawn(60_000)
    z = np.log(p / (1 - p))

    slope = evaluation.calibration_slope(y, sigmoid(2 * z + 0.5))

    assert slope == pytest.approx(0.5, abs=0.02)


def test_with_few_defaults_figures_have_no_interval_and_say_why():
    y, p = np.repeat([0, 1], [500, 12]).astype(np.int8), np.linspace(0.01, 0.2, 512)

    found = evaluation.evaluate(y, p)

    for name in ("auc", "gini", "ks", "brier", "log_loss"):
        assert (found[name].low, found[name].withheld) == (None, "fewer than 30 defaults")


def test_equal_probabilities_are_one_group():
    y = np.repeat([0, 1, 0, 1], [90, 10, 50, 50]).astype(np.int8)
    p = np.repeat([0.1, 0.4], 100)

    assert evaluation.calibration_error(y, p) == pytest.approx(0.05)  # (0 + |.5 - .4|) / 2
    assert [len(rows) for rows in evaluation.calibration_groups(y, p)] == [100, 100]
