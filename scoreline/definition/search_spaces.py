"""The parameters that tuning searches for each algorithm, with their ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    type Space = Mapping[str, Range]


class Range(NamedTuple):
    """A closed range; between whole ends lie integers, `step` apart."""

    low: float
    high: float
    log: bool = False
    step: int = 1


SHRINKAGE = Range(0.1, 30.0, log=True)
LEAF_ROWS = Range(1, 50, log=True)


def _boosting(depth: int) -> Space:
    return {
        "n_estimators": Range(100, 600, step=50),
        "max_depth": Range(2, depth),
        "learning_rate": Range(0.01, 0.15, log=True),
        "subsample": Range(0.5, 1.0),
    }


def _xgboost(depth: int) -> Space:
    return {
        **_boosting(depth),
        "colsample_bytree": Range(0.2, 1.0),
        "min_child_weight": Range(1.0, 50.0, log=True),
        "reg_lambda": SHRINKAGE,
    }


def _lightgbm(depth: int) -> Space:
    return {
        **_boosting(depth),
        "num_leaves": Range(4, 2**depth),
        "colsample_bytree": Range(0.2, 1.0),
        "min_child_samples": Range(5, 100, log=True),
        "reg_lambda": SHRINKAGE,
    }


def _gradient_boosting(depth: int) -> Space:
    return {**_boosting(depth), "max_features": Range(0.1, 1.0), "min_samples_leaf": LEAF_ROWS}


def _random_forest(depth: int) -> Space:
    return {
        "max_depth": Range(3, depth + 1),
        "max_features": Range(0.1, 1.0),
        "min_samples_leaf": LEAF_ROWS,
    }


def _logistic_regression(_depth: int) -> Space:
    return {"C": Range(0.001, 100.0, log=True)}


def _woe_scorecard(_depth: int) -> Space:
    return {"C": Range(0.01, 100.0, log=True), "min_bin_size": Range(0.02, 0.1)}


# Algorithm -> (deepest tree -> search space). Trees of a forest may be one level deeper.
SPACES: Mapping[str, Callable[[int], Space]] = {
    "logistic_regression": _logistic_regression,
    "woe_scorecard": _woe_scorecard,
    "random_forest": _random_forest,
    "gradient_boosting": _gradient_boosting,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
}
