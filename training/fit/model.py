"""Fits a definition's pipeline and its calibration on the training rows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from scoreline.core.errors import TrainingError
from training.data.folds import draw_folds
from training.fit.algorithms import ESTIMATORS
from training.fit.calibration import Beta, Platt, choose_calibration
from training.fit.population import weighting_of
from training.graph.features import FeatureGraph
from training.graph.states import StateGraph
from training.graph.trees import read_ensemble

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset
    from training.fit.algorithms import EstimatorSpec
    from training.fit.calibration import Calibration
    from training.graph.features import Column
    from training.graph.trees import Ensemble

CALIBRATION_FOLDS = 5
# With this many rows of each class, a fifth of the rows is enough to calibrate on.
MANY_ROWS = 20_000


@dataclass(frozen=True)
class FittedModel:
    """A fitted pipeline (feature graph first, classifier last) and its calibration.

    Attributes
    ----------
    state_rows : number of rows that the classifier was fitted on, in each state of `states_of`
    """

    estimator: EstimatorSpec
    pipeline: Pipeline
    calibration: Calibration
    state_rows: tuple[int, ...] = ()

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
        """The trees; empty for a linear model."""
        return [] if self.estimator.algorithm.linear else [read_ensemble(self.classifier)]

    def margin(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """The classifier's own output, shape (n_rows,): log-odds, or a forest's probability."""
        return margin_of(self.estimator, self.pipeline, X)

    def log_odds(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated log-odds of default, shape (n_rows,)."""
        return self.calibration.log_odds(self.margin(X))


def fit(
    definition: Definition,
    rows: Dataset,
    progress: Callable[[str], None] = lambda _: None,
    *,
    methods: Sequence[type[Platt | Beta]] = (),
) -> FittedModel:
    """Fit the pipeline, and its calibration on rows that the classifier has not seen.

    The pipeline is fitted on all rows and the calibration on out-of-fold outputs. With many rows of
    each class a fifth of the rows is kept for the calibration instead, which saves five fits; but
    not where rows have a time, since the latest ones would be missing from the model.

    Parameters
    ----------
    rows : training rows with one label
    methods : calibration methods to choose from; by default those of the algorithm
    """
    estimator = ESTIMATORS[definition.algorithm.name]
    has_many = rows.time is None and np.bincount(rows.y, minlength=2).min() >= MANY_ROWS
    # Calibrated on its own training rows, a boosted model would look far more certain than it is.
    unseen = (_on_holdout if has_many else _out_of_fold)(definition, estimator, rows, progress)
    calibration = choose_calibration(
        unseen.margin,
        unseen.rows.y,
        draw_folds(unseen.rows, CALIBRATION_FOLDS, definition.split.seed),
        estimator.link,
        weighting_of(definition, unseen.rows),
        methods=methods or estimator.calibrations,
    )
    states = StateGraph(definition.contract())
    return FittedModel(estimator, unseen.pipeline, calibration, states.count(unseen.fitted))


@dataclass(frozen=True, slots=True)
class _Unseen:
    """A fitted pipeline, and outputs for rows that it, or its fold's pipeline, has not seen.

    Attributes
    ----------
    fitted : raw rows that the pipeline was fitted on, shape (n_fitted_rows, n_features)
    rows, margin : the unseen rows and the outputs for them
    """

    pipeline: Pipeline
    fitted: NDArray[np.float32]
    rows: Dataset
    margin: NDArray[np.float64]


def _out_of_fold(
    definition: Definition,
    estimator: EstimatorSpec,
    rows: Dataset,
    progress: Callable[[str], None],
) -> _Unseen:
    folds = draw_folds(rows, CALIBRATION_FOLDS, definition.split.seed)
    margin = np.full(len(rows.y), np.nan)
    for number, (fitted, held_out) in enumerate(folds, start=1):
        progress(f"calibration fold {number} of {len(folds)}")
        pipeline = fit_pipeline(definition, estimator, rows, fitted)
        margin[held_out] = margin_of(estimator, pipeline, rows.X[held_out])
    progress(f"{definition.algorithm.name} on {len(rows.y):,} rows")
    pipeline = fit_pipeline(definition, estimator, rows)
    held_out = np.flatnonzero(~np.isnan(margin))  # all, but for the first ones in time
    return _Unseen(pipeline, rows.X, rows.take(held_out), margin[held_out])


def _on_holdout(
    definition: Definition,
    estimator: EstimatorSpec,
    rows: Dataset,
    progress: Callable[[str], None],
) -> _Unseen:
    """Fit the classifier on all folds but the first, which is kept for the calibration."""
    fitted, held_out = draw_folds(rows, CALIBRATION_FOLDS, definition.split.seed)[0]
    progress(f"{definition.algorithm.name} on {len(fitted):,} rows")
    pipeline = fit_pipeline(definition, estimator, rows, fitted)
    progress(f"calibration on {len(held_out):,} rows")
    kept = rows.take(held_out)
    return _Unseen(pipeline, rows.X[fitted], kept, margin_of(estimator, pipeline, kept.X))


def fit_pipeline(
    definition: Definition,
    estimator: EstimatorSpec,
    rows: Dataset,
    fitted: NDArray[np.int64] | slice = slice(None),
) -> Pipeline:
    """The pipeline fitted on some of the rows, or on all, uncalibrated.

    Raises
    ------
    TrainingError
        The library refuses its parameters or the data.
    """
    features = FeatureGraph(definition.contract(), missing_indicators=not estimator.missing)
    steps = estimator.steps(definition.algorithm.parameters, features.columns_)
    # Some of the rows and their columns together would be the peak of memory.
    columns = features.transform(rows.X[fitted])
    weight = None if rows.weight is None else rows.weight[fitted]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            Pipeline(steps).fit(columns, rows.y[fitted], **_weights(steps, weight))
    except ConvergenceWarning as error:
        raise TrainingError(_not_converged(definition)) from error
    except MemoryError:
        raise
    except Exception as error:  # whatever a library raises, nobody should see its stack
        name = definition.algorithm.name
        raise TrainingError(f"{name} refuses its parameters or the data: {error}") from error
    # The classifier is fitted already; this joins it to the feature graph for raw rows.
    pipeline = Pipeline([("features", features), *steps])
    if estimator.post_fit is not None:
        estimator.post_fit(pipeline[-1])
    return pipeline


def _weights(
    steps: list[tuple[str, Any]], weight: NDArray[np.float64] | None
) -> dict[str, NDArray[np.float64]]:
    """Arguments of a pipeline's fit; the weights have mean 1, so penalties keep their strength."""
    if weight is None:
        return {}
    relative = weight / weight.mean()
    # An amount that is missing has an indicator, so the median in its place needs no weights.
    return {f"{name}__sample_weight": relative for name, _ in steps if name != "impute"}


def _not_converged(definition: Definition) -> str:
    """Advice where the classifier's solver ends before its maximum."""
    given = definition.algorithm.parameters
    limits = [f"{name} = {given[name]}" for name in ("max_iter", "tol", "C") if name in given]
    sentence = f"{definition.algorithm.name}: the fit did not converge"
    if limits:
        return f"{sentence} with {', '.join(limits)}; raise max_iter or leave it out"
    return f"{sentence}; look for features that separate the classes, or lower C"


def margin_of(
    estimator: EstimatorSpec, pipeline: Pipeline, X: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The classifier's own output for raw rows, shape (n_rows,)."""
    # scikit-learn sums columns to check that they are finite, which overflows for large amounts.
    with np.errstate(over="ignore", invalid="ignore"):
        return estimator.margin(pipeline[-1], pipeline[:-1].transform(X))
