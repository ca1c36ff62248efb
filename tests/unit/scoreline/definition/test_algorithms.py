import subprocess
import sys

import pytest

from scoreline.definition.algorithms import ALGORITHMS
from scoreline.definition.parameters import kinds_of
from scoreline.definition.search_spaces import SPACES
from training.fit.algorithms import ESTIMATORS

# What the libraries print, and counts of categories, which no graph has.
WITHOUT_BOUNDS = {"verbose", "verbosity", "max_cat_threshold", "max_cat_to_onehot"}


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


@pytest.mark.parametrize(
    ("algorithm", "parameters", "rule"),
    [
        ("xgboost", {"base_score": 0}, "must be above 0 and below 1"),
        ("xgboost", {"base_score": 1.0}, "must be above 0 and below 1"),
        ("xgboost", {"num_parallel_tree": 3}, "boosted forests do not convert to ONNX"),
        ("xgboost", {"max_depth": 40}, "must be at least 0 and at most 32"),
        ("lightgbm", {"max_depth": -2}, "must be at least -1 and at most 32"),
        ("lightgbm", {"num_leaves": 1}, "must be at least 2 and at most 4096"),
        ("random_forest", {"max_depth": 0}, "must be at least 1 and at most 32"),
        ("random_forest", {"max_features": 1.5}, "must be above 0 and at most 1"),
        ("gradient_boosting", {"n_estimators": 0}, "must be at least 1 and at most 10000"),
        ("gradient_boosting", {"n_estimators": 10**25}, "must be at least 1 and at most 10000"),
        ("xgboost", {"learning_rate": 0}, "must be above 0 and at most 1"),
        ("xgboost", {"learning_rate": -0.1}, "must be above 0 and at most 1"),
        ("logistic_regression", {"C": 0}, "must be above 0"),
        ("logistic_regression", {"max_iter": 0}, "must be at least 1 and at most 100000"),
        ("woe_scorecard", {"min_bin_size": 0.6}, "must be above 0 and at most 0.5"),
        ("lightgbm", {"random_state": -1}, "must be at least 0 and at most"),
    ],
)
def test_a_value_out_of_bounds_is_refused_when_the_definition_is_read(algorithm, parameters, rule):
    [(name, found)] = ALGORITHMS[algorithm].problems(parameters)

    assert (name, rule in found) == (next(iter(parameters)), True)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_defaults_and_search_spaces_are_within_the_bounds(algorithm):
    rules = ALGORITHMS[algorithm]
    space = SPACES[algorithm](6)

    assert not [*rules.problems({k: v for k, v in rules.defaults.items() if k in rules.parameters})]
    for name, ends in space.items():
        whole = float(ends.low).is_integer() and float(ends.high).is_integer()
        for end in (ends.low, ends.high):
            assert not [*rules.problems({name: int(end) if whole else end})], (name, end)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_number_of_a_library_has_bounds(algorithm):
    rules = ALGORITHMS[algorithm]
    numbers = {
        name
        for name, kind in rules.parameters.items()
        if kind is not None
        and {int, float} & set(kinds_of(kind))
        and rules.allowed(name) is None
        and name not in WITHOUT_BOUNDS
    }

    assert {name for name in numbers if rules.interval(name) is None} == set()
