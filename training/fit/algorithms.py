"""How each learning algorithm is built and made exact, and what its columns must look like.

A library is imported when its algorithm is used: LightGBM needs a system library (libgomp) that a
slim machine may lack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from scoreline.definition.algorithms import ALGORITHMS
from training.fit import boosters
from training.fit.calibration import Beta, Platt
from training.fit.scorecard import WoeScorecard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from scoreline.definition.algorithms import Algorithm
    from training.graph.features import Column


def _log_odds(classifier: Any, columns: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(classifier.decision_function(columns), np.float64)


def _probability(classifier: Any, columns: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(classifier.predict_proba(columns)[:, 1], np.float64)


def _directions(parameter: str) -> Callable[[Sequence[Column]], dict[str, Any]]:
    """The directions of the columns, 1, -1 or 0 each, as an argument of the library."""

    def arguments(columns: Sequence[Column]) -> dict[str, Any]:
        directions = tuple(column.direction for column in columns)
        return {parameter: directions} if any(directions) else {}

    return arguments


def _no_arguments(_columns: Sequence[Column]) -> dict[str, Any]:
    return {}


def _predict_on_one_thread(forest: Any) -> None:
    """Use one thread: several would sum the trees in varying order, with varying rounding."""
    forest.n_jobs = 1


@dataclass(frozen=True)
class EstimatorSpec:
    """How one algorithm's estimator is built and used.

    Attributes
    ----------
    algorithm : what a definition may say about it
    build : parameters -> unfitted classifier
    margin : (classifier, columns) -> its output before calibration, shape (n_rows,)
    post_fit : makes the fitted classifier exact in float32 and repeatable
    converter : imports the converter of a library that skl2onnx does not know
    link : whether the output is log-odds (logit) or a probability (identity)
    missing : the library takes NaN itself; otherwise medians and missing indicators replace it
    column_arguments : columns -> arguments that describe them to the library, such as the
        direction in which each must move the probability of default
    calibrations : the methods to choose from
    """

    algorithm: Algorithm
    build: Callable[..., Any]
    margin: Callable[[Any, NDArray[np.float32]], NDArray[np.float64]] = _log_odds
    post_fit: Callable[[Any], None] | None = None
    converter: Callable[[], Any] | None = None
    link: Literal["logit", "identity"] = "logit"
    missing: bool = False
    column_arguments: Callable[[Sequence[Column]], dict[str, Any]] = _no_arguments
    calibrations: Sequence[type[Platt | Beta]] = (Platt, Beta)

    def steps(
        self, parameters: Mapping[str, Any], columns: Sequence[Column]
    ) -> list[tuple[str, Any]]:
        """Steps of the pipeline behind the feature graph, which makes `columns`."""
        # Column arguments come last: parameters must not replace the directions of the features.
        arguments = {
            **self.algorithm.defaults,
            **parameters,
            **self.column_arguments(columns),
        }
        steps: list[tuple[str, Any]] = []
        if not self.missing:
            steps.append(("impute", SimpleImputer(strategy="median", keep_empty_features=True)))
        if self.algorithm.linear:  # a scaler would move the thresholds of trees
            steps.append(("scale", StandardScaler()))
        return [*steps, ("classify", self.build(**arguments))]


ESTIMATORS: dict[str, EstimatorSpec] = {
    "logistic_regression": EstimatorSpec(ALGORITHMS["logistic_regression"], LogisticRegression),
    "woe_scorecard": EstimatorSpec(
        ALGORITHMS["woe_scorecard"],
        WoeScorecard,
        missing=True,
        column_arguments=lambda columns: {"columns": columns},
        calibrations=(Platt,),
    ),
    "random_forest": EstimatorSpec(
        ALGORITHMS["random_forest"],
        RandomForestClassifier,
        margin=_probability,
        post_fit=_predict_on_one_thread,
        link="identity",
        column_arguments=_directions("monotonic_cst"),
    ),
    "gradient_boosting": EstimatorSpec(ALGORITHMS["gradient_boosting"], GradientBoostingClassifier),
    "xgboost": EstimatorSpec(
        ALGORITHMS["xgboost"],
        boosters.xgboost_classifier,
        margin=boosters.xgboost_margin,
        post_fit=boosters.bound_xgboost_thresholds,
        converter=boosters.xgboost_converter,
        missing=True,
        column_arguments=_directions("monotone_constraints"),
    ),
    "lightgbm": EstimatorSpec(
        ALGORITHMS["lightgbm"],
        boosters.lightgbm_classifier,
        margin=boosters.lightgbm_margin,
        post_fit=boosters.floor_lightgbm_thresholds,
        converter=boosters.lightgbm_converter,
        missing=True,
        column_arguments=_directions("monotone_constraints"),
    ),
}
