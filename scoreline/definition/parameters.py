"""The parameters of each algorithm's library, with the kind of value that each takes.

The names are those of the estimators' `get_params()`; a test compares them.
"""

from __future__ import annotations

from math import isfinite
from types import UnionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    # None is for what no TOML value can express, such as a callback.
    type Kind = type | UnionType | None
    type Parameters = Mapping[str, Kind]

KIND_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def kinds_of(kind: type | UnionType) -> tuple[type, ...]:
    """The Python types of a kind, which may be a union."""
    return kind.__args__ if isinstance(kind, UnionType) else (kind,)


def kind_rule(kind: Kind, value: Any) -> str:
    """The rule on its kind that a value breaks, or ""."""
    if kind is None:
        return "cannot be given in a definition"
    kinds = kinds_of(kind)
    if type(value) in kinds or (float in kinds and type(value) is int):
        return "must be finite" if type(value) is float and not isfinite(value) else ""
    return f"must be {' or '.join(KIND_NAMES[kind] for kind in kinds)}"


_SKLEARN_TREES: Parameters = {
    "ccp_alpha": float,
    "criterion": str,
    "max_depth": int,
    "max_features": float | str,
    "max_leaf_nodes": int,
    "min_impurity_decrease": float,
    "min_samples_leaf": float,
    "min_samples_split": float,
    "min_weight_fraction_leaf": float,
    "n_estimators": int,
    "random_state": int,
    "verbose": int,
    "warm_start": bool,
}
LOGISTIC_REGRESSION: Parameters = {
    "C": float,
    "class_weight": None,
    "dual": bool,
    "fit_intercept": bool,
    "intercept_scaling": float,
    "l1_ratio": float,
    "max_iter": int,
    "n_jobs": int,
    "penalty": str,
    "random_state": int,
    "solver": str,
    "tol": float,
    "verbose": int,
    "warm_start": bool,
}
WOE_SCORECARD: Parameters = {"C": float, "columns": None, "max_n_bins": int, "min_bin_size": float}
RANDOM_FOREST: Parameters = {
    **_SKLEARN_TREES,
    "bootstrap": bool,
    "class_weight": None,
    "max_samples": float,
    "monotonic_cst": None,
    "n_jobs": int,
    "oob_score": bool,
}
GRADIENT_BOOSTING: Parameters = {
    **_SKLEARN_TREES,
    "init": str,
    "learning_rate": float,
    "loss": str,
    "n_iter_no_change": int,
    "subsample": float,
    "tol": float,
    "validation_fraction": float,
}
XGBOOST: Parameters = {
    "base_score": float,
    "booster": str,
    "callbacks": None,
    "colsample_bylevel": float,
    "colsample_bynode": float,
    "colsample_bytree": float,
    "device": str,
    "early_stopping_rounds": int,
    "enable_categorical": bool,
    "eval_metric": str,
    "feature_types": None,
    "feature_weights": None,
    "gamma": float,
    "grow_policy": str,
    "importance_type": str,
    "interaction_constraints": str,
    "learning_rate": float,
    "max_bin": int,
    "max_cat_threshold": int,
    "max_cat_to_onehot": int,
    "max_delta_step": float,
    "max_depth": int,
    "max_leaves": int,
    "min_child_weight": float,
    "missing": float,
    "monotone_constraints": str,
    "multi_strategy": str,
    "n_estimators": int,
    "n_jobs": int,
    "num_parallel_tree": int,
    "objective": str,
    "random_state": int,
    "reg_alpha": float,
    "reg_lambda": float,
    "sampling_method": str,
    "scale_pos_weight": float,
    "subsample": float,
    "tree_method": str,
    "validate_parameters": bool,
    "verbosity": int,
}
LIGHTGBM: Parameters = {
    "boosting_type": str,
    "class_weight": None,
    "colsample_bytree": float,
    "importance_type": str,
    "learning_rate": float,
    "max_depth": int,
    "min_child_samples": int,
    "min_child_weight": float,
    "min_split_gain": float,
    "n_estimators": int,
    "n_jobs": int,
    "num_leaves": int,
    "objective": str,
    "random_state": int,
    "reg_alpha": float,
    "reg_lambda": float,
    "subsample": float,
    "subsample_for_bin": int,
    "subsample_freq": int,
}
