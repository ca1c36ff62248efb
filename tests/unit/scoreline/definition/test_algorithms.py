import subprocess
import sys

import pytest

from scoreline.definition.algorithms import ALGORITHMS
from training.fit.algorithms import ESTIMATORS


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_parameters_are_those_of_the_library(name):
    assert ALGORITHMS[name].parameters.keys() == ESTIMATORS[name].build().get_params().keys()


def test_every_algorithm_is_built_from_its_own_rules():
    assert {name: spec.algorithm for name, spec in ESTIMATORS.items()} == ALGORITHMS


@pytest.mark.parametrize(
    ("algorithm", "parameters", "rule"),
    [
        ("xgboost", {"booster": "dart"}, "refused: only gbtree is supported"),
        ("xgboost", {"class_weight": 2}, "refused: class weights spoil the probability"),
        ("xgboost", {"max_depth": 3.5}, "must be a whole number"),
        ("xgboost", {"max_depth": True}, "must be a whole number"),
        ("xgboost", {"callbacks": "print"}, "cannot be given in a definition"),
        ("random_forest", {"max_features": True}, "must be a number or text"),
        ("lightgbm", {"zero_as_missing": True}, "refused: it does not convert exactly"),
        ("lightgbm", {"depth": 3}, "is not a parameter of this algorithm"),
    ],
)
def test_a_wrong_parameter_is_refused_with_the_rule(algorithm, parameters, rule):
    [(name, found)] = ALGORITHMS[algorithm].problems(parameters)

    assert name in parameters
    assert found.startswith(rule)


@pytest.mark.parametrize("parameters", [{"max_features": "sqrt"}, {"max_features": 0.5}])
def test_a_parameter_may_have_several_kinds(parameters):
    assert not list(ALGORITHMS["random_forest"].problems(parameters))


def test_a_whole_number_is_a_number_too():
    assert not list(ALGORITHMS["xgboost"].problems({"learning_rate": 1}))


def test_reading_a_definition_loads_no_training_library():
    code = "import scoreline.definition.model, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = {module.split(".")[0] for module in run.stdout.split()}
    assert not {"training", "sklearn", "xgboost", "lightgbm", "onnx", "pyarrow", "scipy"} & loaded
