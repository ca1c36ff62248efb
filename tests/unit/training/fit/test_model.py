from dataclasses import replace

import numpy as np
import pytest

from scoreline.core.errors import TrainingError
from scoreline.definition import variants
from tests.sample import applicants, definition, with_algorithm
from tests.unit.training.data.test_stable_order import dataset
from training.data.load import load_dataset
from training.fit.algorithms import ESTIMATORS
from training.fit.model import fit, fit_pipeline


def test_a_fit_that_does_not_converge_stops_and_names_the_parameter(tmp_path):
    logistic = variants.with_algorithm(definition(tmp_path), "logistic_regression")
    hurried = logistic.with_parameters({"max_iter": 1})
    rng = np.random.default_rng(1)
    X = rng.integers(0, 2, (400, len(logistic.contract().features))).astype(np.float32)
    rows = replace(dataset(rng, 400), X=X)

    with pytest.raises(TrainingError, match="did not converge with max_iter = 1; raise max_iter"):
        fit_pipeline(hurried, ESTIMATORS["logistic_regression"], rows)
    fit_pipeline(logistic, ESTIMATORS["logistic_regression"], rows)


def test_calibration_goes_forward_over_the_times_that_there_are(tmp_path):
    text = with_algorithm("logistic_regression")
    text = text.replace("[split]", '[split]\nmethod = "time"\ncolumn = "quarter"')
    applicants(400).assign(quarter=np.arange(400) // 100).to_parquet(tmp_path / "data.parquet")
    found = definition(tmp_path, text)
    said = []

    fit(found, load_dataset(found, str(tmp_path / "data.parquet")), said.append)

    assert said[:3] == [f"calibration fold {number} of 3" for number in (1, 2, 3)]
