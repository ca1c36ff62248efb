"""How often the 95 % intervals hold the truth, in 800 drawn test sets of each kind."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from scoreline.definition.gate_settings import GateSettings
from training.evaluate.delong import compare_auc
from training.evaluate.group_differences import rate_ratio
from training.evaluate.intervals import wilson
from training.evaluate.metrics import evaluate
from training.evaluate.outcomes import Outcomes
from training.evaluate.profit import mean_profit, profit_of
from training.gates.performance_gates import calibration

pytestmark = pytest.mark.long

SETS = 800
POPULATION = 400_000
# Sizes and bad rates with 30 or more expected defaults.
CELLS = [
    (250, 0.3),
    (1_000, 0.1),
    (1_000, 0.3),
    (5_000, 0.01),
    (5_000, 0.1),
    (5_000, 0.3),
]


def population(rate, rng, grain=0.0):
    """True log-odds of a calibrated model, whose mean probability is the bad rate."""
    spread = rng.normal(0, 1.3, POPULATION)
    if grain:
        spread = np.round(spread / grain) * grain
    low, high = -14.0, 8.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if expit(spread + middle).mean() > rate else (middle, high)
    return spread + middle


def truth(log_odds):
    """The figures of the whole population, each row weighed by its probability."""
    p = np.sort(expit(log_odds))
    defaults, goods = np.cumsum(p) / p.sum(), np.cumsum(1 - p) / (1 - p).sum()
    last = np.flatnonzero(np.diff(p, append=np.inf))
    defaults, goods = defaults[last], goods[last]
    before = np.concatenate([[0], goods[:-1]])
    area = float(np.sum(np.diff(defaults, prepend=0) * (before + goods) / 2))
    return {
        "auc": area,
        "gini": 2 * area - 1,
        "ks": float(np.abs(goods - defaults).max()),
        "brier": float(np.mean(p * (1 - p))),
        "log_loss": float(-np.mean(p * np.log(p) + (1 - p) * np.log1p(-p))),
        "calibration_slope": 1.0,
        "calibration_intercept": 0.0,
    }


@pytest.mark.parametrize("grain", [0.0, 0.5], ids=["continuous", "tied"])
@pytest.mark.parametrize(("rows", "rate"), CELLS)
def test_intervals_hold_the_truth_and_the_calibration_gate_is_quiet(rows, rate, grain):
    rng = np.random.default_rng(rows + round(1000 * rate))
    log_odds = population(rate, rng, grain)
    true, alarms = truth(log_odds), 0
    cutoff = np.quantile(log_odds, 0.8)
    p = expit(log_odds)
    true_accuracy = float(np.mean(np.where(log_odds > cutoff, p, 1 - p)))
    held = {name: [] for name in (*true, "accuracy")}
    for _ in range(SETS):
        z = log_odds[rng.integers(0, POPULATION, rows)]
        y = (rng.random(rows) < expit(z)).astype(np.int8)
        found = evaluate(y, expit(z))
        alarms += calibration(found, GateSettings()).passed is False
        for name, value in true.items():
            if found[name].low is not None:
                held[name].append(found[name].low <= value <= found[name].high)
        accuracy = wilson(int(np.sum((z > cutoff) == y)), rows)
        held["accuracy"].append(accuracy.low <= true_accuracy <= accuracy.high)

    coverage = {name: round(float(np.mean(hits)), 4) for name, hits in held.items()}
    print(rows, rate, grain, coverage, alarms / SETS)
    assert all(0.92 <= share <= 0.98 for share in coverage.values()), coverage
    assert alarms / SETS <= 0.05


@pytest.mark.parametrize("rates", [(0.3, 0.6), (0.05, 0.7), (0.9, 0.95)], ids=str)
@pytest.mark.parametrize("rows", [(30, 220), (100, 900), (2_000, 3_000)], ids=str)
def test_intervals_of_the_adverse_impact_ratio_hold_the_truth(rows, rates):
    rng = np.random.default_rng(7)
    hits = []
    for _ in range(2 * SETS):
        passed, compared = (int(rng.binomial(n, r)) for n, r in zip(rows, rates, strict=True))
        interval = rate_ratio(passed, rows[0], compared, rows[1])
        hits.append(interval.low <= rates[0] / rates[1] <= interval.high)

    assert 0.92 <= np.mean(hits) <= 0.98


@pytest.mark.parametrize(("rows", "rate"), CELLS)
def test_intervals_of_the_difference_of_two_models_hold_the_truth(rows, rate):
    rng = np.random.default_rng(11)
    truth_odds = population(rate, rng)
    scored = [truth_odds + rng.normal(0, sd, POPULATION) for sd in (0.8, 1.0)]
    p = expit(truth_odds)

    def area(score):
        order = np.argsort(score)
        defaults, goods = p[order] / p.sum(), (1 - p[order]) / (1 - p).sum()
        return float(np.sum(defaults * (np.cumsum(goods) - goods / 2)))

    true = area(scored[0]) - area(scored[1])
    hits = []
    for _ in range(SETS):
        chosen = rng.integers(0, POPULATION, rows)
        y = (rng.random(rows) < p[chosen]).astype(np.int8)
        found = compare_auc(y, scored[0][chosen], scored[1][chosen]).difference
        hits.append(found.low <= true <= found.high)

    print(rows, rate, np.mean(hits))
    assert 0.92 <= np.mean(hits) <= 0.98


# Size, bad rate and share that is approved, so that few sets have no interval of the profit.
APPROVALS = [
    (250, 0.3, 0.8),
    (1_000, 0.1, 1.0),
    (1_000, 0.3, 0.5),
    (1_000, 0.3, 0.8),
    (5_000, 0.01, 1.0),
    (5_000, 0.1, 0.5),
    (5_000, 0.3, 0.2),
]


@pytest.mark.parametrize("spread", [0.1, 0.7], ids=["like loans", "unlike loans"])
@pytest.mark.parametrize("default_rate", [None, 0.03], ids=["sample", "population"])
@pytest.mark.parametrize(("rows", "rate", "share"), APPROVALS)
def test_intervals_of_the_profit_hold_the_truth(rows, rate, share, default_rate, spread):
    rng = np.random.default_rng(rows + round(1000 * rate + 10 * share))
    log_odds = population(rate, rng)
    p, exposure = expit(log_odds), rng.lognormal(8, spread, POPULATION)
    profit, loss = (
        0.06 * exposure,
        np.clip(rng.normal(0.5, spread / 3, POPULATION), 0, 1) * exposure,
    )
    other_odds = log_odds + rng.normal(0, 0.5, POPULATION)
    approved, other = (odds <= np.quantile(odds, share) for odds in (log_odds, other_odds))
    true_rate = p.mean()
    scale = (
        (default_rate or true_rate) / true_rate,
        (1 - (default_rate or true_rate)) / (1 - true_rate),
    )
    expected = (1 - p) * profit * scale[1] - p * loss * scale[0]
    change = approved.astype(int) - other
    true = {"profit": np.mean(expected * approved), "difference": np.mean(expected * change)}
    held = {name: [] for name in true}
    for _ in range(SETS):
        chosen = rng.integers(0, POPULATION, rows)
        y = (rng.random(rows) < p[chosen]).astype(np.int8)
        value = np.where(y, -loss[chosen], profit[chosen])
        found = Outcomes.of(y, value, None, default_rate)
        figures = {
            "profit": profit_of(approved[chosen], found).profit,
            "difference": mean_profit(replace(found, value=value * change[chosen])),
        }
        for name, figure in figures.items():
            if figure.low is not None:
                held[name].append(figure.low <= true[name] <= figure.high)

    # Sets with few losses have no interval; coverage is judged where few sets are such.
    coverage = {
        name: round(float(np.mean(hits)), 4)
        for name, hits in held.items()
        if len(hits) > 0.8 * SETS
    }
    print(rows, rate, share, default_rate, spread, coverage)
    assert "profit" in coverage
    assert all(0.92 <= found <= 0.98 for found in coverage.values()), coverage
