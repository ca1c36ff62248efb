import subprocess
import sys
from math import inf, log, nan

import numpy as np
import pytest

from training.fit.woe_binning import (
    WoeBinning,
    fit_woe_binning,
    information_value,
    weight_of_evidence,
)
from training.graph.features import Column

# 100 applicants, 20 bad: 80 % of the goods and 50 % of the bads are below 10.
AMOUNT = WoeBinning(
    source=0,
    amount=0,
    cuts=np.array([10], np.float32),
    states={1: 2},
    state_rows={1: 0},
    n_cut=2,
    goods=np.array([64, 16, 0, 0]),
    bads=np.array([10, 10, 0, 0]),
)


def test_weight_of_evidence_by_hand():
    # ln(.8 / .5) and ln(.2 / .5); bins without rows say nothing.
    assert AMOUNT.woe == pytest.approx([log(1.6), log(0.4), 0, 0])


def test_information_value_by_hand():
    # (.8 - .5) ln 1.6 = .1410 and (.2 - .5) ln .4 = .2749
    assert AMOUNT.iv == pytest.approx([0.1410, 0.2749, 0, 0], abs=5e-5)
    value = information_value([80, 0], [20, 0], np.zeros(2))
    assert value.tolist() == [0, 0]


def test_ten_average_applicants_moderate_a_small_bin():
    # 2 goods and 0 bads of 80 and 20: ln((2 + 8) / (0 + 2)) - ln 4 = ln 1.25
    woe = weight_of_evidence([78, 2], [20, 0], 1)

    assert woe[1] == pytest.approx(log(1.25))
    assert woe[0] == pytest.approx(log(78 / 80))


def test_a_value_on_a_cut_belongs_to_the_bin_above():
    below = np.nextafter(np.float32(10), np.float32(-inf))
    X = np.array([[below, 0], [10, 0], [-1e30, 0], [nan, 0], [nan, 1]], np.float32)

    assert AMOUNT.bin_of(X).tolist() == [0, 1, 0, 3, 2]


AMOUNTS = [Column("income", 0, None), Column("income=no_record", 0, -99.0)]
CATEGORIES = [Column(f"region={name}", 0, code) for code, name in enumerate("abcd")]


def drawn(slope, count=2000):
    rng = np.random.default_rng(3)
    x = rng.normal(size=count).astype(np.float32)
    y = (rng.random(count) < 1 / (1 + np.exp(1 - slope * x))).astype(np.int8)
    return x, y


def fitted(slope, direction=0, **parameters):
    x, y = drawn(slope)
    special = np.arange(len(x)) % 20 == 0
    x[special | (np.arange(len(x)) % 20 == 1)] = nan
    columns = np.stack([x, special], 1).astype(np.float32)
    numbered = [(0, Column("income", 0, None, direction)), (1, AMOUNTS[1])]
    return (
        fit_woe_binning(numbered, columns, y, {"min_prebin_size": 0.05, **parameters}),
        columns,
        y,
    )


@pytest.mark.slow
def test_woe_between_cuts_equals_optbinnings():
    from optbinning import OptimalBinning

    binning, columns, y = fitted(1.5)
    given = ~np.isnan(columns[:, 0])
    own = OptimalBinning(monotonic_trend="auto_asc_desc").fit(
        columns[given, 0].astype(float), y[given]
    )

    # The odds of the whole sample are ours, those of the given rows are optbinning's.
    shift = log(y.mean() / (1 - y.mean())) - log(y[given].mean() / (1 - y[given].mean()))
    ours = binning.woe[binning.bin_of(columns[given])]
    assert ours == pytest.approx(own.transform(columns[given, 0].astype(float)) + shift)
    assert binning.n_cut > 3


@pytest.mark.slow
def test_rows_are_counted_in_their_bins():
    binning, _, y = fitted(1.5)

    assert binning.n_rows == len(y)
    assert binning.goods[-2] + binning.bads[-2] == 100 == binning.state_rows[1]
    assert binning.goods[-1] + binning.bads[-1] == 100
    assert binning.bads.sum() == y.sum()
    missing_special = binning.bin_of(np.array([[nan, 1], [nan, 0]], np.float32))
    assert missing_special.tolist() == [binning.rest - 1, binning.rest]


@pytest.mark.slow
@pytest.mark.parametrize("slope", [1.5, -1.5, 0.0])
@pytest.mark.parametrize("direction", [1, -1, 0])
def test_bins_are_monotone_in_the_requested_direction(slope, direction):
    binning, _, _ = fitted(slope, direction)

    steps = np.diff(binning.woe[: binning.n_cut])
    wanted = direction or np.sign(slope)
    assert (wanted * steps <= 0).all() or (not wanted and (len(set(np.sign(steps))) <= 1))
    assert (len(steps) > 0) == (wanted * slope > 0) or slope == 0


@pytest.mark.slow
def test_categories_of_similar_risk_share_a_bin():
    chosen = np.arange(3000) % 3
    rate = np.array([10, 9, 2])[chosen]  # one in ten of a, in nine of b, in two of c
    y = (np.arange(3000) // 3 % rate == 0).astype(np.int8)
    columns = np.eye(4, dtype=np.float32)[chosen]

    binning = fit_woe_binning(
        list(enumerate(CATEGORIES)), columns, y, {"min_prebin_size": 0.05, "max_n_bins": 2}
    )

    assert binning.states[0] == binning.states[1] != binning.states[2]
    assert set(binning.states) == {0, 1, 2}
    nothing = np.zeros((1, 4), np.float32)
    assert binning.bin_of(np.eye(4, dtype=np.float32))[3] == binning.bin_of(nothing) == binning.rest
    assert binning.woe[binning.rest] == 0


@pytest.mark.slow
@pytest.mark.parametrize("amounts", [[nan] * 40, [7.0] * 40], ids=["none given", "one value"])
def test_an_uninformative_feature_has_at_most_one_bin(amounts):
    y = (np.arange(40) % 4 == 0).astype(np.int8)

    binning = fit_woe_binning(
        [(0, AMOUNTS[0])], np.array(amounts, np.float32)[:, None], y, {"min_prebin_size": 0.05}
    )

    assert len(binning.cuts) == 0
    assert binning.woe == pytest.approx([0, 0])


@pytest.mark.slow
def test_binning_prints_no_warnings_about_unused_solvers():
    code = "import tests.unit.training.fit.test_woe_binning as t; t.fitted(1.0)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout + done.stderr == ""
