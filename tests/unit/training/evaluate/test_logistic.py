import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit

from training.evaluate.calibration_figures import intercept_interval, slope_interval
from training.evaluate.intervals import Withheld
from training.evaluate.logistic import NotEstimableError, fit_logistic
from training.evaluate.score_counts import ScoreCounts

RATES = (0.0005, 0.002, 0.01, 0.05, 0.3)
SLOPES = (0.5, 0.8, 1, 1.5, 2)


def drawn_set(number):
    """Outcomes and log-odds that are said, of which a slope and a rate are the truth."""
    rng = np.random.default_rng(number)
    rate, slope = RATES[number % 5], SLOPES[number // 5 % 5]
    z = rng.normal(logit(rate), 1.2, 20_000 if rate < 0.005 else 3_000)
    y = rng.random(len(z)) < expit(slope * (z - logit(rate)) + logit(rate))
    return y.astype(np.int8), z


def by_statsmodels(y, z):
    """Slope, its error, intercept and its error, by iteratively reweighted least squares."""
    options = {"tol": 1e-14, "maxiter": 200}
    centred = z - z.mean()  # does not change the slope
    line = sm.GLM(y, sm.add_constant(centred), sm.families.Binomial()).fit(**options)
    level = sm.GLM(y, np.ones(len(y)), sm.families.Binomial(), offset=z).fit(**options)
    return line.params[1], line.bse[1], level.params[0], level.bse[0]


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 200, 25))
def test_slope_and_intercept_are_those_of_statsmodels(first):
    for number in range(first, first + 25):
        y, z = drawn_set(number)
        counts = ScoreCounts.of(y, expit(z))

        found = slope_interval(counts), intercept_interval(counts)

        slope, slope_error, intercept, intercept_error = by_statsmodels(y, counts_log_odds(z))
        assert (found[0].value, found[1].value) == pytest.approx((slope, intercept), abs=1e-6)
        if not isinstance(found[0], Withheld):
            half_widths = [(f.high - f.low) / 2 / 1.959964 for f in found]
            assert half_widths == pytest.approx([slope_error, intercept_error], rel=1e-5)


def counts_log_odds(z):
    return logit(expit(z))


def test_columns_far_from_0_and_of_any_scale_converge():
    rng = np.random.default_rng(1)
    x = rng.normal(size=4000)
    y = (rng.random(4000) < expit(x - 2)).astype(float)

    plain = fit_logistic([x], y, np.ones(4000))
    moved = fit_logistic([1e6 * x + 1e8], y, np.ones(4000))

    assert moved.coefficients[0] * 1e6 == pytest.approx(plain.coefficients[0], rel=1e-6)


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], "separate the classes"),
        ([1, 2, 2, 3], [0, 0, 1, 1], "separate the classes"),
        ([4, 3, 2, 1], [0, 0, 1, 1], "separate the classes"),
        ([7, 7, 7, 7], [0, 1, 0, 1], "do not vary"),
        ([1, 2, 3, 4], [0, 0, 0, 0], "one class only"),
    ],
    ids=["separated", "touching", "reversed", "constant", "one class"],
)
def test_without_a_maximum_there_is_an_error(x, y, reason):
    with pytest.raises(NotEstimableError, match=reason):
        fit_logistic([np.array(x, float)], np.array(y, float), np.ones(4))


def test_a_separated_slope_says_so():
    y = np.repeat([0, 1], 50).astype(np.int8)

    found = slope_interval(ScoreCounts.of(y, np.linspace(0.01, 0.99, 100)))

    assert found.value is None
    assert "separate the classes" in found.withheld
