"""The learning algorithms and the rules for their parameters, without their libraries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scoreline.definition import parameters
from scoreline.definition.parameters import MAX_DEPTH, Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scoreline.definition.parameters import Parameters

SEED = 1

_CLASS_WEIGHTS = (
    "class weights spoil the probability (calibration error 0.200 instead of 0.013 on Taiwan) and "
    "do not improve discrimination; move the cutoff instead"
)
_REFUSED_EVERYWHERE: dict[str, str] = dict.fromkeys(
    ("class_weight", "scale_pos_weight", "is_unbalance", "balanced"), _CLASS_WEIGHTS
)
_NO_EARLY_STOPPING = ((), "early stopping needs its own validation set; use tuning instead")
_CONVERTS_WRONGLY = "does not convert exactly to ONNX"
_CONVERT_WRONGLY = "do not convert to ONNX; use random_forest"
_NO_CATEGORIES = "the graph encodes categories; native ones do not convert to ONNX"


@dataclass(frozen=True)
class Algorithm:
    """One algorithm.

    Attributes
    ----------
    parameters : every parameter of the library's estimator -> kind of its value
    defaults : values where a definition gives none
    linear : a linear model; otherwise an ensemble of trees
    holds_directions : whether it can be monotone in a feature
    converts : whether skl2onnx or onnxmltools converts it, as a second opinion on our graph
    restricted : parameter -> its allowed values, and the reason
    bounds : parameter -> its range, where the library's meaning differs from that of the others
    """

    parameters: Parameters
    defaults: Mapping[str, Any]
    linear: bool = False
    holds_directions: bool = False
    converts: bool = True
    restricted: Mapping[str, tuple[Sequence[Any], str]] = field(default_factory=dict)
    bounds: Mapping[str, Interval] = field(default_factory=dict)

    def problems(self, given: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """(parameter, rule) for everything that must not be fitted."""
        for name, value in given.items():
            rule = self._rule(name, value)
            if rule:
                yield name, rule

    def allowed(self, parameter: str) -> Sequence[Any] | None:
        """The values that a parameter may have; None where its kind is the only rule."""
        if parameter in _REFUSED_EVERYWHERE or self.parameters.get(parameter, str) is None:
            return ()
        return self.restricted[parameter][0] if parameter in self.restricted else None

    def interval(self, parameter: str) -> Interval | None:
        """The range of a number; None where the library's own rules are the only ones."""
        return self.bounds.get(parameter, parameters.BOUNDS.get(parameter))

    def _rule(self, name: str, value: Any) -> str:
        """The rule that a value breaks, or ""."""
        if name in _REFUSED_EVERYWHERE:
            return f"refused: {_REFUSED_EVERYWHERE[name]}"
        if name in self.restricted and value not in self.restricted[name][0]:
            return f"refused: {self.restricted[name][1]}"
        if name not in self.parameters:
            return "is not a parameter of this algorithm"
        if rule := parameters.kind_rule(self.parameters[name], value):
            return rule
        interval = self.interval(name)
        is_number = isinstance(value, int | float)
        return interval.rule if is_number and interval and not interval.holds(value) else ""


ALGORITHMS: dict[str, Algorithm] = {
    "logistic_regression": Algorithm(
        parameters=parameters.LOGISTIC_REGRESSION,
        defaults={"C": 0.1, "max_iter": 1000},
        linear=True,
    ),
    "woe_scorecard": Algorithm(
        parameters=parameters.WOE_SCORECARD,
        defaults={"C": 1.0, "min_bin_size": 0.05},
        holds_directions=True,
        converts=False,
        restricted={"columns": ((), "the columns follow from the features")},
    ),
    "random_forest": Algorithm(
        parameters=parameters.RANDOM_FOREST,
        defaults={
            "n_estimators": 300,
            "max_depth": 5,
            "min_samples_leaf": 3,
            "max_features": 0.3,
            "random_state": SEED,
            "n_jobs": -1,
        },
        holds_directions=True,
    ),
    "gradient_boosting": Algorithm(
        parameters=parameters.GRADIENT_BOOSTING,
        defaults={
            "n_estimators": 200,
            "max_depth": 3,
            "learning_rate": 0.05,
            "subsample": 0.7,
            "max_features": 0.5,
            "random_state": SEED,
        },
        restricted={"loss": (("log_loss",), "only log_loss gives log-odds")},
    ),
    "xgboost": Algorithm(
        parameters=parameters.XGBOOST,
        defaults={
            "n_estimators": 300,
            "max_depth": 4,
            "learning_rate": 0.05,
            "subsample": 0.8,
            "colsample_bytree": 0.5,
            "min_child_weight": 2,
            "random_state": SEED,
            "n_jobs": 1,
        },
        holds_directions=True,
        restricted={
            "booster": (("gbtree",), f"only gbtree is supported, dart {_CONVERTS_WRONGLY}"),
            "enable_categorical": ((False,), _NO_CATEGORIES),
            "multi_strategy": (("one_output_per_tree",), "vector leaves do not convert to ONNX"),
            "objective": (("binary:logistic",), "only binary:logistic gives log-odds"),
            "early_stopping_rounds": _NO_EARLY_STOPPING,
            "num_parallel_tree": ((1,), f"boosted forests {_CONVERT_WRONGLY}"),
            "missing": ((), "missing values are NaN; other codes are special_codes of the feature"),
        },
        bounds={"max_depth": Interval(0, MAX_DEPTH)},  # 0: no limit
    ),
    "lightgbm": Algorithm(
        parameters=parameters.LIGHTGBM,
        defaults={
            "n_estimators": 300,
            "max_depth": 4,
            "num_leaves": 15,
            "learning_rate": 0.05,
            "subsample": 0.8,
            "subsample_freq": 1,
            "colsample_bytree": 0.5,
            "min_child_samples": 10,
            "random_state": SEED,
            "n_jobs": 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
        },
        holds_directions=True,
        restricted={
            "boosting_type": (("gbdt",), f"only gbdt is supported, dart {_CONVERTS_WRONGLY}"),
            "zero_as_missing": ((False,), f"it {_CONVERTS_WRONGLY}"),
            "categorical_feature": ((), _NO_CATEGORIES),
            "linear_tree": ((False,), "linear leaves do not convert to ONNX"),
            "objective": (("binary",), "only binary gives log-odds"),
        },
        bounds={"max_depth": Interval(-1, MAX_DEPTH)},  # -1 and 0: no limit
    ),
}
