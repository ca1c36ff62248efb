import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold

from scoreline.core.errors import TrainingError
from scoreline.scoring.many_rows import open_session
from training.evaluate.metrics import calibration_error
from training.evaluate.weighting import Weighting
from training.fit.calibration import Beta, Calibration, Platt, choose_calibration, sigmoid
from training.graph.builder import GraphBuilder


def drawn(truth, count=40_000, seed=2):
    rng = np.random.default_rng(seed)
    margin = rng.normal(0, 1.5, count)
    return margin, (rng.random(count) < sigmoid(truth(margin))).astype(np.int8)


def folds(y):
    return list(KFold(5).split(y))


def run(calibration, margins):
    graph = GraphBuilder()
    log_odds, probability = calibration.add_to(graph, "X")
    outputs = {"log_odds": (log_odds, 1), "probability": (probability, 1)}
    session = open_session(graph.model({"X": 1}, outputs).SerializeToString())
    column = np.asarray(margins, np.float32)[:, None]
    return [output[:, 0] for output in session.run(None, {"X": column})]


def test_platt_recovers_slope_and_intercept():
    fitted = Platt.fit(*drawn(lambda m: 1.7 * m - 0.6), "logit")

    assert (fitted.slope, fitted.intercept) == pytest.approx((1.7, -0.6), abs=0.06)


def test_no_method_reverses_the_order():
    margin = np.linspace(-1, 1, 400)
    rng = np.random.default_rng(1)
    y = (rng.random(400) < sigmoid(-2 * margin)).astype(np.int8)

    with pytest.raises(TrainingError, match="does not rank defaults"):
        choose_calibration(margin, y, folds(y), "logit")
    for method in (Platt, Beta):
        assert (np.diff(method.fit(margin, y, "logit").log_odds(margin)) >= 0).all()


def test_one_fold_with_reversed_ranks_does_not_stop_the_choice():
    margin, y = drawn(lambda m: m, 400)
    upside_down = np.concatenate([np.argsort(margin)[:100], np.argsort(margin)[-100:]])
    y[upside_down] = np.repeat([1, 0], 100)
    rest = np.setdiff1d(np.arange(400), upside_down)
    margin[rest] = 20 * y[rest] - 10

    chosen = choose_calibration(margin, y, [(upside_down, rest)], "logit")

    assert chosen.slope(0.0) > 0


def test_beta_recovers_its_own_form():
    # ln p = -softplus(-m), ln(1 - p) = -softplus(m)
    def truth(m):
        return -2.0 * np.logaddexp(0, -m) + 0.5 * np.logaddexp(0, m) + 0.3

    fitted = Beta.fit(*drawn(truth, 200_000), "logit")

    assert (fitted.a, fitted.b, fitted.c) == pytest.approx((2.0, 0.5, 0.3), abs=0.08)


@pytest.mark.slow
def test_the_method_with_the_lower_brier_score_is_chosen():
    straight = drawn(lambda m: 1.4 * m - 0.2)
    bent = drawn(lambda m: -3.0 * np.logaddexp(0, -m) + 0.1 * np.logaddexp(0, m))

    assert isinstance(choose_calibration(*bent, folds(bent[1]), "logit").method, Beta)
    chosen = choose_calibration(*straight, folds(straight[1]), "logit")
    assert calibration_error(straight[1], sigmoid(chosen.log_odds(straight[0]))) < 0.01


def test_calibration_corrects_overconfidence():
    margin, y = drawn(lambda m: 0.4 * m)
    before = calibration_error(y, sigmoid(margin))
    after = calibration_error(
        y, sigmoid(choose_calibration(margin, y, folds(y), "logit").log_odds(margin))
    )

    assert before > 0.1
    assert after < 0.01


def test_prior_correction_multiplies_the_odds_by_the_ratio_of_the_rates_odds():
    # From 50 % to 10 %: odds fall from 1 to 1/9.
    margin, y = drawn(lambda m: m)
    rows = np.concatenate([np.flatnonzero(y == label)[:15_000] for label in (0, 1)])
    rows = np.random.default_rng(1).permutation(rows)
    margin, y = margin[rows], y[rows]
    corrected = choose_calibration(margin, y, folds(y), "logit", Weighting(default_rate=0.1))

    assert corrected.shift == pytest.approx(-np.log(9))


METHODS = st.one_of(
    st.builds(Platt, slope=st.floats(0, 3), intercept=st.floats(-3, 3)),
    st.builds(
        Beta,
        a=st.floats(0, 3),
        b=st.floats(0, 3),
        c=st.floats(-3, 3),
        link=st.sampled_from(["logit", "identity"]),
    ),
)


@given(
    method=METHODS,
    shift=st.floats(-3, 3),
    margins=st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=40),
)
def test_the_nodes_equal_the_formula_for_one_row_and_for_many(method, shift, margins):
    calibration = Calibration(method, shift)

    log_odds, probability = run(calibration, margins)

    expected = calibration.log_odds(np.float32(margins).astype(np.float64))
    # ln(1 - p) of a float32 p next to 1 is known to 3e-4 at most, and times b, up to 3.
    np.testing.assert_allclose(log_odds, expected, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(probability, sigmoid(expected), atol=2.5e-4)
    np.testing.assert_allclose(probability, sigmoid(log_odds), atol=1e-6)
    alone = [run(calibration, [margin])[0][0] for margin in margins[:3]]
    np.testing.assert_array_equal(alone, log_odds[:3])


def test_the_slope_is_the_derivative():
    assert Calibration(Platt(1.7, 2.0)).slope(0.3) == pytest.approx(1.7)


@pytest.mark.slow
def test_margins_that_separate_the_classes_get_a_finite_slope():
    margin = np.linspace(-3, 3, 200)
    y = (margin > 0).astype(np.int8)

    chosen = choose_calibration(margin, y, folds(y)[1:4], "logit")

    assert 0 < chosen.slope(0.0) < 1e4


def test_margins_far_from_0_are_fitted_to_the_maximum_of_the_likelihood():
    margin, y = drawn(lambda m: m)

    near, far = Platt.fit(margin, y, "logit"), Platt.fit(1e-3 * margin + 500, y, "logit")

    assert far.slope * 1e-3 == pytest.approx(near.slope, rel=1e-6)
