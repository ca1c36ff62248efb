from dataclasses import replace

import numpy as np
import pytest

from scoreline.definition import variants
from scoreline.definition.algorithms import ALGORITHMS
from tests.sample import DEFINITION, applicants, definition
from training.data.load import load_dataset
from training.evaluate.metrics import auc
from training.evaluate.weighting import Weighting
from training.fit.algorithms import ESTIMATORS
from training.fit.calibration import Beta, Platt, choose_calibration
from training.fit.model import fit_pipeline, margin_of

# Few trees, without limits on the number of rows of a leaf.
PARAMETERS = {name: {"n_estimators": 20} for name in ("gradient_boosting", "xgboost", "lightgbm")}
PARAMETERS["random_forest"] = {"n_estimators": 20, "max_depth": 4}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    applicants(1_200).to_parquet(folder / "data.parquet")
    return load_dataset(definition(folder, DEFINITION), str(folder / "data.parquet"))


def fitted_margin(tmp_path, name, rows):
    chosen = variants.with_algorithm(definition(tmp_path), name)
    chosen = chosen.with_parameters(PARAMETERS.get(name, {}))
    estimator = ESTIMATORS[name]
    pipeline = fit_pipeline(chosen, estimator, rows)
    return margin_of(estimator, pipeline, rows.X)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALGORITHMS)
def test_rows_of_little_weight_hardly_count_in_fitting(tmp_path, rows, name):
    even = np.arange(len(rows.y)) % 2 == 0
    # The odd rows say the opposite.
    muddled = replace(rows, y=np.where(even, rows.y, 1 - rows.y).astype(np.int8))
    weighted = replace(muddled, weight=np.where(even, 1.99999, 0.00001))

    margin = fitted_margin(tmp_path, name, weighted)

    of_even = fitted_margin(tmp_path, name, rows.take(np.flatnonzero(even)))
    assert auc(rows.y[even], margin[even]) == pytest.approx(auc(rows.y[even], of_even), abs=0.02)


@pytest.mark.parametrize("method", [Platt, Beta])
def test_a_calibration_counts_a_whole_weight_as_equal_rows(method):
    rng = np.random.default_rng(1)
    margin, weight = rng.normal(-1, 1, 600), rng.integers(1, 5, 600).astype(float)
    y = (rng.random(600) < 1 / (1 + np.exp(-2 * margin))).astype(np.int8)
    again = np.repeat(np.arange(600), weight.astype(int))

    weighted = method.fit(margin, y, "logit", Weighting(weight))

    expected = method.fit(margin[again], y[again], "logit")
    assert weighted.log_odds(margin) == pytest.approx(expected.log_odds(margin), abs=1e-6)


def test_the_shift_to_the_default_rate_starts_at_the_weighted_one():
    rng = np.random.default_rng(1)
    margin = rng.normal(0, 1, 500)
    y = (rng.random(500) < 1 / (1 + np.exp(-margin))).astype(np.int8)
    weight = np.where(y == 1, 0.5, 2.0)
    rate = np.average(y, weights=weight)
    folds = [(np.arange(0, 500, 2), np.arange(1, 500, 2))]

    found = choose_calibration(margin, y, folds, "logit", Weighting(weight, 0.02))

    assert found.shift == pytest.approx(np.log(0.02 / 0.98) - np.log(rate / (1 - rate)))
