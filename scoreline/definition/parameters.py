"""The parameters of each algorithm's library, with the kind and the range of their values.

The names are those of the estimators' `get_params()`; a test compares them.
"""

from __future__ import annotations

from math import inf, isfinite
from types import UnionType
from typing import TYPE_CHECKING, Any, NamedTuple

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


class Interval(NamedTuple):
    """The values that a number may have.

    Attributes
    ----------
    above, below : the end itself is left out
    """

    low: float
    high: float = inf
    above: bool = False
    below: bool = False

    def holds(self, value: float) -> bool:
        """Whether a number lies in the interval."""
        return (self.low < value if self.above else self.low <= value) and (
            value < self.high if self.below else value <= self.high
        )

    @property
    def rule(self) -> str:
        """The interval in words."""
        low = f"{'above' if self.above else 'at least'} {self.low:g}"
        if self.high == inf:
            return f"must be {low}"
        return f"must be {low} and {'below' if self.below else 'at most'} {self.high:g}"

    @property
    def schema(self) -> dict[str, float]:
        """The interval in JSON Schema."""
        ends = {"exclusiveMinimum" if self.above else "minimum": self.low}
        if self.high != inf:
            ends["exclusiveMaximum" if self.below else "maximum"] = self.high
        return ends


_POSITIVE, _NOT_NEGATIVE = Interval(0, above=True), Interval(0)
_SHARE = Interval(0, 1, above=True)
MAX_DEPTH = 32  # an exact graph of deeper trees is far over every limit of size

# Bounds that hold for every algorithm that has the parameter. The libraries take some values beyond
# them and then fail, overflow, or fit nothing: XGBoost 3 a base_score of 0, for instance.
BOUNDS: Mapping[str, Interval] = {
    "C": _POSITIVE,
    "base_score": Interval(0, 1, above=True, below=True),
    "ccp_alpha": _NOT_NEGATIVE,
    "colsample_bylevel": _SHARE,
    "colsample_bynode": _SHARE,
    "colsample_bytree": _SHARE,
    "gamma": _NOT_NEGATIVE,
    "intercept_scaling": _POSITIVE,
    "l1_ratio": Interval(0, 1),
    "learning_rate": _SHARE,
    "max_bin": Interval(2, 65_535),
    "max_depth": Interval(1, MAX_DEPTH),
    "max_delta_step": _NOT_NEGATIVE,
    "max_features": _SHARE,
    "max_iter": Interval(1, 100_000),
    "max_leaf_nodes": Interval(2, 4_096),
    "max_leaves": Interval(0, 4_096),
    "max_n_bins": Interval(2, 100),
    "max_samples": _POSITIVE,
    "min_bin_size": Interval(0, 0.5, above=True),
    "min_child_samples": _NOT_NEGATIVE,
    "min_child_weight": _NOT_NEGATIVE,
    "min_impurity_decrease": _NOT_NEGATIVE,
    "min_samples_leaf": _POSITIVE,
    "min_samples_split": _POSITIVE,
    "min_split_gain": _NOT_NEGATIVE,
    "min_weight_fraction_leaf": Interval(0, 0.5),
    "n_estimators": Interval(1, 10_000),
    "n_iter_no_change": Interval(1, 10_000),
    "n_jobs": Interval(-1, 256),
    "num_leaves": Interval(2, 4_096),
    "random_state": Interval(0, 2**31 - 1),
    "reg_alpha": _NOT_NEGATIVE,
    "reg_lambda": _NOT_NEGATIVE,
    "subsample": _SHARE,
    "subsample_for_bin": Interval(1, 2**31 - 1),
    "subsample_freq": Interval(0, 10_000),
    "tol": _POSITIVE,
    "validation_fraction": Interval(0, 1, above=True, below=True),
}


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
