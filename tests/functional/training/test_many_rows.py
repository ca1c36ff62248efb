"""Training on so many rows that calibration folds are not worth their time."""

import numpy as np
import pytest

from scoreline.definition.files import load_definition
from training.data.load import load_dataset
from training.evaluate.metrics import calibration_intercept, calibration_slope
from training.fit.calibration import sigmoid
from training.fit.model import MANY_ROWS, fit
from training.generators.registry import generate, write

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def loans(tmp_path_factory):
    path = tmp_path_factory.mktemp("many") / "loans.parquet"
    write(path, generate("loan-risk", 120_000, 1), lambda _: None)
    definition = load_definition("loan-risk").with_parameters({"n_estimators": 40})
    return definition, load_dataset(definition, str(path))


def test_many_rows_are_fitted_once_and_calibrated_on_separate_rows(loans):
    definition, dataset = loans
    fitted, held_out = np.split(np.arange(len(dataset.y)), [90_000])
    said = []

    model = fit(definition, dataset.take(fitted), said.append)

    y, probability = dataset.y[held_out], sigmoid(model.log_odds(dataset.X[held_out]))
    assert said == ["xgboost on 72,000 rows", "calibration on 18,000 rows"]
    assert calibration_intercept(y, probability) == pytest.approx(0, abs=0.06)
    assert calibration_slope(y, probability) == pytest.approx(1, abs=0.06)


def test_a_rare_class_is_calibrated_out_of_fold(loans):
    definition, dataset = loans
    defaults = np.flatnonzero(dataset.y == 1)[: MANY_ROWS - 1]
    rows = np.sort(np.concatenate([defaults, np.flatnonzero(dataset.y == 0)]))
    said = []

    fit(definition.with_parameters({"n_estimators": 2}), dataset.take(rows), said.append)

    assert said[0] == "calibration fold 1 of 5"
