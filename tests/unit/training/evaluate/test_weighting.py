"""Figures of weighted rows, against repeated rows, scikit-learn and statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit
from scipy.stats import binomtest
from sklearn import metrics as sklearn

from training.evaluate.calibration_figures import intercept_interval, slope_interval
from training.evaluate.classification import figures_of
from training.evaluate.delong import compare_auc
from training.evaluate.intervals import Interval, Withheld, mean_and_error, wilson
from training.evaluate.metrics import METRICS, auc, evaluate
from training.evaluate.population_stability import shift
from training.evaluate.psi_bins import decile_bins
from training.evaluate.score_counts import ScoreCounts
from training.evaluate.tallies import tally
from training.evaluate.weighting import EVEN, Weighting, effective_rows

FIGURES = {"auc": auc, **METRICS}


def drawn(rows=2_000, seed=1):
    """Outcomes, log-odds with ties, and whole weights from 1 to 4."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-1.5, 1, rows).round(2)
    y = (rng.random(rows) < expit(0.2 + 0.8 * z)).astype(np.int8)
    return y, z, rng.integers(1, 5, rows).astype(float)


@pytest.mark.parametrize("name", FIGURES)
def test_a_whole_weight_is_as_many_equal_rows(name):
    y, z, weight = drawn()
    again = np.repeat(np.arange(len(y)), weight.astype(int))

    weighted = FIGURES[name](y, expit(z), Weighting(weight / weight.mean()))

    assert weighted == pytest.approx(FIGURES[name](y[again], expit(z)[again], EVEN), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_equal_weights_change_no_bit(seed):
    y, z, _ = drawn(400, seed)
    ones = Weighting(np.ones(len(y)))

    for metric in FIGURES.values():
        assert metric(y, expit(z), ones) == metric(y, expit(z), EVEN)
    assert compare_auc(y, z, z.round(), ones) == compare_auc(y, z, z.round())


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("rate", [None, 0.03])
def test_weighted_figures_do_not_depend_on_the_order_of_rows(name, rate):
    y, z, _ = drawn()
    rng = np.random.default_rng(2)
    weight, other = rng.lognormal(0, 1, len(y)), rng.permutation(len(y))

    one, two = (
        FIGURES[name](y[rows], expit(z)[rows], Weighting(weight[rows], rate))
        for rows in (np.arange(len(y)), other)
    )

    assert one == two


def test_auc_brier_and_log_loss_are_those_of_scikit_learn():
    y, z, _ = drawn()
    p, weight = expit(z), np.random.default_rng(3).lognormal(0, 1, len(z))
    weighting = Weighting(weight, 0.03)
    combined = weighting.of(y)

    found = evaluate(y, p, weighting)

    assert np.average(y, weights=combined) == pytest.approx(0.03)
    for name, expected in {
        "auc": sklearn.roc_auc_score,
        "brier": sklearn.brier_score_loss,
        "log_loss": sklearn.log_loss,
    }.items():
        assert found[name].value == pytest.approx(expected(y, p, sample_weight=combined))


def test_slope_and_intercept_have_the_sandwichs_errors():
    y, z, _ = drawn()
    weight = np.random.default_rng(3).lognormal(0, 1, len(z))
    counts = ScoreCounts.of(y, expit(z), Weighting(weight))
    family = sm.families.Binomial()
    line = sm.GLM(y, sm.add_constant(z), family, var_weights=weight).fit(cov_type="HC0", tol=1e-12)
    level = sm.GLM(y, np.ones(len(y)), family, offset=z, var_weights=weight)
    level = level.fit(cov_type="HC0", tol=1e-12)

    slope, intercept = slope_interval(counts), intercept_interval(counts)

    assert (slope.value, slope.low, slope.high) == pytest.approx(
        (line.params[1], *line.conf_int()[1]), abs=1e-6
    )
    assert (intercept.value, intercept.low, intercept.high) == pytest.approx(
        (level.params[0], *level.conf_int()[0]), abs=1e-6
    )


def test_the_estimates_do_not_take_weights_for_numbers_of_rows_in_their_errors():
    y, z, weight = drawn()
    family, X = sm.families.Binomial(), sm.add_constant(z)
    as_rows = sm.GLM(y, X, family, freq_weights=weight).fit()

    found = slope_interval(ScoreCounts.of(y, expit(z), Weighting(weight)))

    assert found.value == pytest.approx(as_rows.params[1], abs=1e-6)
    assert found.high - found.low > 1.3 * np.ptp(as_rows.conf_int()[1])


def test_intervals_are_withheld_by_numbers_of_rows():
    y = np.repeat([0, 1], [400, 29]).astype(np.int8)
    weighting = Weighting(np.where(y == 1, 20.0, 1.0))

    found = evaluate(y, np.linspace(0.01, 0.9, len(y)), weighting)["auc"]

    assert isinstance(found, Withheld)
    assert found.withheld == "fewer than 30 defaults"


def test_the_default_rate_moves_precision_but_neither_recall_nor_auc():
    y, z, _ = drawn()
    flagged, at_3_percent = z > -1, Weighting(default_rate=0.03)

    before, after = figures_of(flagged, y), figures_of(flagged, y, at_3_percent)

    # Bayes: the share of defaults among the flagged, at a default rate of 3 %.
    hit, false = flagged[y == 1].mean(), flagged[y == 0].mean()
    assert after["precision"].value == pytest.approx(0.03 * hit / (0.03 * hit + 0.97 * false))
    assert after["recall"].value == pytest.approx(before["recall"].value)
    assert auc(y, z, at_3_percent) == pytest.approx(auc(y, z))


def test_a_shifted_calibration_is_calibrated_on_rows_weighted_to_the_default_rate():
    y, z, _ = drawn(20_000)
    fitted = sm.GLM(y, sm.add_constant(z), sm.families.Binomial()).fit()
    shift = np.log(0.03 / 0.97) - np.log(y.mean() / (1 - y.mean()))
    served = expit(fitted.params[0] + fitted.params[1] * z + shift)

    found = evaluate(y, served, Weighting(default_rate=0.03))

    assert found["calibration_intercept"].low < 0 < found["calibration_intercept"].high
    assert found["calibration_slope"].low < 1 < found["calibration_slope"].high


@pytest.mark.parametrize("trials", [1, 7, 60, 1_003])
def test_wilsons_interval_of_whole_numbers_is_that_of_scipy(trials):
    for successes in range(0, trials + 1, max(trials // 7, 1)):
        expected = binomtest(successes, trials).proportion_ci(0.95, method="wilson")

        found = wilson(successes, trials)

        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-15)


def test_a_tally_has_the_variance_of_the_weighted_mean():
    y, z, _ = drawn()
    weight = np.random.default_rng(3).lognormal(0, 1, len(z))
    event = z > -1
    fit = sm.WLS(event.astype(float), np.ones(len(y)), weights=weight).fit(cov_type="HC0")

    passed, n = tally(event, np.ones(len(y), bool), y, Weighting(weight))

    share = passed / n
    assert share == pytest.approx(fit.params[0])
    assert (share * (1 - share) / n) ** 0.5 == pytest.approx(fit.bse[0])
    assert n < len(y)


@pytest.mark.parametrize(("event", "share"), [(False, 0), (True, 1)])
def test_a_tally_of_all_or_none_has_the_effective_number_of_rows(event, share):
    weight = np.array([1.0, 1.0, 2.0, 4.0])
    everyone = np.ones(4, bool)

    passed, n = tally(everyone == event, everyone, np.array([0, 1, 0, 1]), Weighting(weight))

    assert (passed, n) == (share * n, effective_rows(weight))


def test_stability_counts_effective_rows():
    rng = np.random.default_rng(4)
    values, weight = rng.normal(size=1_000).round(2), rng.integers(1, 5, 1_000).astype(float)
    again = np.repeat(values, weight.astype(int))

    bins = decile_bins(values, {}, weight)
    counts = bins.count(values, weight)

    assert bins == decile_bins(again, {})
    assert counts / counts.sum() == pytest.approx(bins.count(again) / len(again))
    assert counts.sum() == pytest.approx(effective_rows(weight))
    assert shift(counts, counts).expected_rows == round(effective_rows(weight))


@pytest.mark.parametrize("rate", [None, 0.03])
def test_a_weighted_population_that_does_not_change_seldom_seems_to_shift(rate):
    rng = np.random.default_rng(6)

    def sample(rows):
        z, _, y = population(rows, rng)
        return z, Weighting(rng.integers(1, 6, rows).astype(float), rate).of(y)

    shifted = []
    for _ in range(400):
        (before, weight), after = sample(1_100), sample(400)
        bins = decile_bins(before, {}, weight)
        found = shift(bins.count(before, weight), bins.count(*after))
        shifted.append(found.psi > found.critical)

    assert np.mean(shifted) <= 0.08


def test_the_error_of_a_mean_is_that_of_a_ratio():
    values, weight = np.array([0.0, 1.0, 3.0]), np.array([1.0, 2.0, 1.0])

    mean, error = mean_and_error(values, weight, weight**2, 3)

    assert mean == 1.25
    deviations = weight * (values - mean) / 4
    assert error == pytest.approx((np.sum(deviations**2) * 3 / 2) ** 0.5)


TRUTH = 1_000_000
SETS = 400


def population(rows, rng):
    """Log-odds, something else that matters, and outcomes."""
    z, other = rng.normal(-1.5, 1.2, rows), rng.normal(0, 1, rows)
    return z, other, (rng.random(rows) < expit(0.2 + 0.9 * z + 0.5 * other)).astype(np.int8)


def by_weight(rng, _rate):
    """Rows whose chance of being in the sample is known."""
    z, other, y = population(3_000, rng)
    chance = expit(1.2 * other - 0.3 * z - 1)
    kept = rng.random(len(z)) < chance
    return z[kept], other[kept], y[kept], Weighting(1 / chance[kept])


def by_class(rng, rate):
    """As many goods as defaults."""
    z, other, y = population(12_000, rng)
    kept = np.concatenate(
        [rng.choice(np.flatnonzero(y == label), 500, replace=False) for label in (0, 1)]
    )
    return z[kept], other[kept], y[kept], Weighting(default_rate=rate)


def by_both(rng, rate):
    """More defaults than in the population, and a known chance within the classes."""
    z, other, y = population(12_000, rng)
    chance = 0.2 + 0.8 * expit(other)
    kept = rng.random(len(z)) < chance * np.where(y == 1, 0.5, 0.1)
    return z[kept], other[kept], y[kept], Weighting(1 / chance[kept], rate)


def figures_and_difference(z, other, y, weighting):
    flagged, everyone = z > -1, np.ones(len(y), bool)
    return {
        **evaluate(y, expit(z), weighting),
        "difference": compare_auc(y, z, z + other, weighting).difference,
        **figures_of(flagged, y, weighting),
        "approved": wilson(*tally(~flagged, everyone, y, weighting)),
    }


@pytest.mark.long
@pytest.mark.parametrize("sample", [by_weight, by_class, by_both])
def test_intervals_of_weighted_rows_hold_the_truth(sample):
    rng = np.random.default_rng(5)
    z, other, y = population(TRUTH, rng)
    whole, rate = figures_and_difference(z, other, y, EVEN), float(y.mean())
    held = {name: [] for name, figure in whole.items() if isinstance(figure, Interval)}
    for _ in range(SETS):
        found = figures_and_difference(*sample(rng, rate))
        for name, hits in held.items():
            hits.append(found[name].low <= whole[name].value <= found[name].high)

    coverage = {name: round(float(np.mean(hits)), 4) for name, hits in held.items()}
    print(sample.__name__, coverage)
    assert all(0.92 <= share <= 0.98 for share in coverage.values()), coverage


def test_the_share_in_a_group_varies_as_its_linearised_residuals_within_the_classes():
    y, z, weight = drawn(500)
    weighting = Weighting(weight / weight.mean(), 0.03)
    event, among = z > -1, np.arange(500) % 3 == 0

    happened, rows = tally(event, among, y, weighting)

    of_rows = weighting.of(y)
    share = np.average(event[among], weights=of_rows[among])
    residual = of_rows * among * (event - share)
    for label in (0, 1):
        inside = y == label
        residual[inside] -= of_rows[inside] * residual[inside].sum() / of_rows[inside].sum()
    variance = (residual**2).sum() / of_rows[among].sum() ** 2
    assert happened / rows == pytest.approx(share, rel=1e-12)
    assert rows == pytest.approx(share * (1 - share) / variance, rel=1e-9)
