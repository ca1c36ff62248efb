"""The learning algorithms: how each is built, and what of it ONNX would convert wrongly.

A library is imported when its algorithm is used: LightGBM needs a system library (libgomp) that a
slim machine may lack.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from training.fit import boosters
from training.fit.calibration import Beta, Platt
from training.fit.scorecard import WoeScorecard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from training.graph.features import Column

SEED = 1

CLASS_WEIGHTS = (
    "class weights ruin the probability (calibration error 0.013 -> 0.200 on Taiwan) and gain no "
    "discrimination; move the cutoff instead"
)
REFUSED: dict[str, str] = dict.fromkeys(
    ("class_weight", "scale_pos_weight", "is_unbalance", "balanced"), CLASS_WEIGHTS
)


def _log_odds(classifier: Any, columns: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(classifier.decision_function(columns), np.float64)


def _probability(classifier: Any, columns: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(classifier.predict_proba(columns)[:, 1], np.float64)


def _directions(parameter: str) -> Callable[[Sequence[Column]], dict[str, Any]]:
    """Tells a library the directions of the columns: 1, -1 or 0 each."""

    def arguments(columns: Sequence[Column]) -> dict[str, Any]:
        directions = tuple(column.direction for column in columns)
        return {parameter: directions} if any(directions) else {}

    return arguments


def _predict_on_one_thread(forest: Any) -> None:
    """Threads would add the trees up in the order in which they end, which differs in rounding."""
    forest.n_jobs = 1


@dataclass(frozen=True)
class AlgorithmSpec:
    """One algorithm.

    Attributes
    ----------
    build : parameters -> unfitted classifier
    defaults : parameters that a definition may change
    margin : (classifier, columns) -> its output before calibration, shape (n_rows,)
    settle : called with the fitted classifier, to make it exact in float32 and repeatable
    converter : imports the converter of a library that skl2onnx does not know
    link : whether the output is log-odds (logit) or a probability (identity)
    missing : the library takes NaN itself; otherwise medians and missing indicators stand in
    linear : a linear model on standardised columns; otherwise an ensemble of trees, whose
        thresholds a scaler would move
    told : columns -> what the library must be told of them, which way each must move the
        probability of default included; None where it can hold no direction
    calibrations : the methods to choose from
    witness : whether skl2onnx or onnxmltools converts it
    refused : parameter -> allowed values, and why no other
    """

    build: Callable[..., Any]
    defaults: Mapping[str, Any]
    margin: Callable[[Any, NDArray[np.float32]], NDArray[np.float64]] = _log_odds
    settle: Callable[[Any], None] | None = None
    converter: Callable[[], Any] | None = None
    link: Literal["logit", "identity"] = "logit"
    missing: bool = False
    linear: bool = False
    told: Callable[[Sequence[Column]], dict[str, Any]] | None = None
    calibrations: Sequence[type[Platt | Beta]] = (Platt, Beta)
    witness: bool = True
    refused: Mapping[str, tuple[Sequence[Any], str]] = field(default_factory=dict)

    @property
    def holds_directions(self) -> bool:
        """Whether it can be monotone in a feature."""
        return self.told is not None

    def problems(self, parameters: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """(parameter, rule) for everything that must not be fitted."""
        known = self.build().get_params()
        for name, value in parameters.items():
            if name in REFUSED:
                yield name, f"refused: {REFUSED[name]}"
            elif name in self.refused and value not in self.refused[name][0]:
                yield name, f"refused: {self.refused[name][1]}"
            elif name not in known:
                yield name, "is no parameter of this algorithm"

    def steps(
        self, parameters: Mapping[str, Any], columns: Sequence[Column]
    ) -> list[tuple[str, Any]]:
        """Steps of the pipeline behind the feature graph, which makes `columns`."""
        arguments = {**self.defaults, **parameters}
        if self.told is not None:
            arguments |= self.told(columns)
        steps: list[tuple[str, Any]] = []
        if not self.missing:
            steps.append(("impute", SimpleImputer(strategy="median", keep_empty_features=True)))
        if self.linear:
            steps.append(("scale", StandardScaler()))
        return [*steps, ("classify", self.build(**arguments))]


_NO_EARLY_STOPPING = ((None,), "early stopping needs a validation set of its own; tune instead")
_ONLY_TREES = "converts silently wrong or not at all; only gbtree is exact"
_NO_CATEGORIES = "categories are encoded in the graph; native ones do not convert"

ALGORITHMS: dict[str, AlgorithmSpec] = {
    "logistic_regression": AlgorithmSpec(
        LogisticRegression, {"C": 0.1, "max_iter": 1000}, linear=True
    ),
    "woe_scorecard": AlgorithmSpec(
        WoeScorecard,
        {"C": 1.0, "min_bin_size": 0.05},
        missing=True,
        told=lambda columns: {"columns": columns},
        calibrations=(Platt,),
        witness=False,
        refused={"columns": ((), "they follow from the features")},
    ),
    "random_forest": AlgorithmSpec(
        RandomForestClassifier,
        {
            "n_estimators": 300,
            "max_depth": 5,
            "min_samples_leaf": 3,
            "max_features": 0.3,
            "random_state": SEED,
            "n_jobs": -1,
        },
        margin=_probability,
        settle=_predict_on_one_thread,
        link="identity",
        told=_directions("monotonic_cst"),
    ),
    "gradient_boosting": AlgorithmSpec(
        GradientBoostingClassifier,
        {
            "n_estimators": 200,
            "max_depth": 3,
            "learning_rate": 0.05,
            "subsample": 0.7,
            "max_features": 0.5,
            "random_state": SEED,
        },
        refused={"loss": (("log_loss",), "only log_loss gives log-odds")},
    ),
    "xgboost": AlgorithmSpec(
        boosters.xgboost_classifier,
        {
            "n_estimators": 300,
            "max_depth": 4,
            "learning_rate": 0.05,
            "subsample": 0.8,
            "colsample_bytree": 0.5,
            "min_child_weight": 2,
            "random_state": SEED,
            "n_jobs": 1,
        },
        margin=boosters.xgboost_margin,
        settle=boosters.bound_xgboost_thresholds,
        converter=boosters.xgboost_converter,
        missing=True,
        told=_directions("monotone_constraints"),
        refused={
            "booster": (("gbtree",), f"booster {_ONLY_TREES}"),
            "enable_categorical": ((False,), _NO_CATEGORIES),
            "multi_strategy": (("one_output_per_tree",), "vector leaves do not convert"),
            "objective": (("binary:logistic",), "only binary:logistic gives log-odds"),
            "early_stopping_rounds": _NO_EARLY_STOPPING,
            "missing": ((), "missing is NaN, special codes belong to the feature"),
        },
    ),
    "lightgbm": AlgorithmSpec(
        boosters.lightgbm_classifier,
        {
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
        margin=boosters.lightgbm_margin,
        settle=boosters.floor_lightgbm_thresholds,
        converter=boosters.lightgbm_converter,
        missing=True,
        told=_directions("monotone_constraints"),
        refused={
            "boosting_type": (("gbdt",), f"boosting_type {_ONLY_TREES}"),
            "zero_as_missing": ((False,), "converts silently wrong"),
            "categorical_feature": ((), _NO_CATEGORIES),
            "linear_tree": ((False,), "linear leaves do not convert"),
            "objective": (("binary",), "only binary gives log-odds"),
        },
    ),
}
