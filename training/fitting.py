"""Fits a definition's pipeline and its calibration on rows of a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline

from functions.shared.errors import TrainingError
from training.algorithms import ALGORITHMS
from training.calibration import Beta, Platt, choose_calibration
from training.features import FeatureGraph
from training.trees import read_ensemble

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from training.algorithms import AlgorithmSpec
    from training.calibration import Calibration
    from training.definition import Definition
    from training.features import Column
    from training.trees import Ensemble

CALIBRATION_FOLDS = 5


@dataclass(frozen=True)
class FittedModel:
    """A fitted pipeline (feature graph first, classifier last) and its calibration."""

    algorithm: AlgorithmSpec
    pipeline: Pipeline
    calibration: Calibration

    @property
    def classifier(self) -> Any:
        """The last step."""
        return self.pipeline[-1]

    @cached_property
    def columns(self) -> list[Column]:
        """Columns of the design matrix."""
        columns: list[Column] = self.pipeline["features"].columns_
        return columns

    @cached_property
    def ensembles(self) -> list[Ensemble]:
        """The trees, of which a linear model has none."""
        return [] if self.algorithm.linear else [read_ensemble(self.classifier)]

    def margin(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """The classifier's own output, shape (n_rows,): log-odds, or a forest's probability."""
        return margin_of(self.algorithm, self.pipeline, X)

    def log_odds(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated log-odds of default, shape (n_rows,)."""
        return self.calibration.log_odds(self.margin(X))


def fit(
    definition: Definition,
    X: NDArray[np.float32],
    y: NDArray[np.int8],
    progress: Callable[[str], None] = lambda _: None,
    *,
    methods: Sequence[type[Platt | Beta]] = (),
) -> FittedModel:
    """Fit the pipeline on all rows, and the calibration on out-of-fold outputs.

    Parameters
    ----------
    methods : of calibration, of which the best is taken; by default the algorithm's
    """
    algorithm = ALGORITHMS[definition.algorithm.name]
    folds = StratifiedKFold(CALIBRATION_FOLDS, shuffle=True, random_state=definition.split.seed)
    splits = list(folds.split(X, y))
    margin = np.empty(len(y))
    for number, (train, held_out) in enumerate(splits, start=1):
        progress(f"calibration fold {number} of {CALIBRATION_FOLDS}")
        pipeline = fit_pipeline(definition, algorithm, X[train], y[train])
        margin[held_out] = margin_of(algorithm, pipeline, X[held_out])
    progress(f"{definition.algorithm.name} on {len(y):,} rows")
    pipeline = fit_pipeline(definition, algorithm, X, y)
    rate = definition.calibration.default_rate
    calibration = choose_calibration(
        margin, y, splits, algorithm.link, rate, methods=methods or algorithm.calibrations
    )
    return FittedModel(algorithm, pipeline, calibration)


def fit_pipeline(
    definition: Definition,
    algorithm: AlgorithmSpec,
    X: NDArray[np.float32],
    y: NDArray[np.int8],
) -> Pipeline:
    """The fitted pipeline, uncalibrated; a TrainingError where the library refuses."""
    features = FeatureGraph(definition.contract(), missing_indicators=not algorithm.missing)
    steps = algorithm.steps(definition.algorithm.parameters, features.columns_)
    try:
        pipeline = Pipeline([("features", features), *steps]).fit(X, y)
    except (TypeError, ValueError) as error:
        name = definition.algorithm.name
        raise TrainingError(f"{name} does not take its parameters or the data: {error}") from error
    if algorithm.settle is not None:
        algorithm.settle(pipeline[-1])
    return pipeline


def margin_of(
    algorithm: AlgorithmSpec, pipeline: Pipeline, X: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The classifier's own output for raw rows, shape (n_rows,)."""
    # scikit-learn adds columns up to see whether they are finite; the sum of large ones is not.
    with np.errstate(over="ignore", invalid="ignore"):
        return algorithm.margin(pipeline[-1], pipeline[:-1].transform(X))
