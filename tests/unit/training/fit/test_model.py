import numpy as np
import pytest

from scoreline.core.errors import TrainingError
from scoreline.definition.variants import with_algorithm
from tests.sample import definition
from training.fit.algorithms import ESTIMATORS
from training.fit.model import fit_pipeline


def test_a_fit_that_does_not_converge_stops_and_names_the_parameter(tmp_path):
    logistic = with_algorithm(definition(tmp_path), "logistic_regression")
    hurried = logistic.with_parameters({"max_iter": 1})
    rng = np.random.default_rng(1)
    X = rng.integers(0, 2, (400, len(logistic.contract().features))).astype(np.float32)
    y = (rng.random(400) < 0.3).astype(np.int8)

    with pytest.raises(TrainingError, match="did not converge with max_iter = 1; raise max_iter"):
        fit_pipeline(hurried, ESTIMATORS["logistic_regression"], X, y)
    fit_pipeline(logistic, ESTIMATORS["logistic_regression"], X, y)
