import numpy as np
import pytest

from scoreline.core.contract import Contract
from scoreline.core.features import Feature
from scoreline.definition.gate_settings import GateSettings
from training.evaluate.population_stability import baseline, shifts
from training.gates.data_gates import leakage, stability, timing
from training.gates.single_feature_auc import single_feature_auc

INCOME = Feature("income", "number", nullable=True)
REGION = Feature("region", "category", categories=("north", "south", "west"))
CONTRACT = Contract("m", "default", "", (INCOME, REGION))


def rows(count, mean=0.0, seed=1):
    rng = np.random.default_rng(seed)
    amounts = rng.normal(mean, 1, count)
    return np.column_stack([amounts, rng.integers(0, 3, count)]).astype(np.float32)


def moved(before, after):
    return shifts(baseline(CONTRACT, before, before[:, 0]), CONTRACT, after, after[:, 0])


def test_the_same_population_is_stable():
    gate = stability(moved(rows(2000), rows(1500, seed=2)), "", GateSettings())

    assert gate.passed
    assert 0 < gate.value < 0.05


def test_a_shifted_feature_is_named():
    gate = stability(moved(rows(2000), rows(1500, 1.5)), "", GateSettings())

    assert not gate.passed
    assert "income (PSI" in gate.sentence
    assert "region" not in gate.sentence


def test_a_large_index_of_few_rows_is_chance():
    found = moved(rows(60), rows(40, seed=5))

    gate = stability(found, "", GateSettings(max_psi=0.1))

    assert gate.value > 0.1
    assert gate.passed


def test_without_a_baseline_it_is_not_asked():
    gate = stability(None, "no champion is in service yet", GateSettings())

    assert gate.passed is None
    assert "no champion is in service yet" in gate.sentence


def outcome(X, rng):
    return (X[:, 0] + rng.logistic(size=len(X)) > 0).astype(np.int8)


def test_the_area_of_a_single_feature_is_that_of_its_bins():
    # Bad rates 3/4, 1/4, 1/4: of 5 defaults 3, of 7 goods 1 are in the north; ties count half:
    # (3 (6 + 1/2) + 2 (6 / 2)) / 35 = 25.5 / 35.
    # With 200 times as many rows, the bad rates of the other folds are nearly the same.
    X = np.array([[0, region] for region in (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2)] * 200, np.float32)
    y = np.array([1, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0] * 200, np.int8)

    assert single_feature_auc(CONTRACT, X, y)["region"] == pytest.approx(25.5 / 35, abs=0.02)
    assert single_feature_auc(CONTRACT, X, y)["income"] == 0.5


def test_an_ordinary_feature_passes_and_one_that_is_the_outcome_fails():
    rng = np.random.default_rng(1)
    X = rows(1000)
    y = outcome(X, rng)
    assert leakage(single_feature_auc(CONTRACT, X, y), GateSettings()).passed

    X[:, 1] = y

    gate = leakage(single_feature_auc(CONTRACT, X, y), GateSettings())
    assert (gate.passed, gate.value) == (False, 1.0)
    assert "region" in gate.sentence


@pytest.mark.parametrize("shape", [lambda y: np.where(y, np.nan, 5), lambda y: np.abs(y - 0.5)])
def test_a_missing_value_that_gives_the_outcome_away_is_found_and_a_constant_is_not(shape):
    X = rows(1000)
    y = outcome(X, np.random.default_rng(1))
    X[:, 0] = shape(y)

    found = single_feature_auc(CONTRACT, X, y)["income"]

    assert found == (1.0 if np.isnan(X).any() else 0.5)


def test_times_after_the_decision_are_counted_by_column():
    settings = GateSettings(decision_time="decided_at", known_times=("bureau_at", "asked_at"))

    assert timing({"bureau_at": 0, "asked_at": 0}, settings).passed
    gate = timing({"bureau_at": 12, "asked_at": 0}, settings)
    assert (gate.passed, gate.value) == (False, 12.0)
    assert "bureau_at in 12 rows" in gate.sentence
    assert "asked_at" not in gate.sentence
    assert timing({}, GateSettings()).passed is None
