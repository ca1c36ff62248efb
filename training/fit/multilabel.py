"""Fits a recommendation: one model for each product, all on the same columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from scoreline.core.errors import DatasetError, UnrankedError
from training.fit.calibration import Platt
from training.fit.model import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from scoreline.definition.model import RecommendationDefinition
    from training.data.dataset import Dataset
    from training.fit.model import FittedModel
    from training.graph.features import Column
    from training.graph.trees import Ensemble

# With fewer owners, a calibration fold has fewer than four. On Santander's customers, models of the
# products with 5 to 50 owners changed MAP@7 by less than 0.0001.
MIN_OWNERS = 20


@dataclass(frozen=True)
class FittedLabels:
    """A model for each label.

    Attributes
    ----------
    models : None for a label with too few owners to learn from, which gets its rate instead
    rates : share of owners among the fitted rows, (owners + 1/2) / (rows + 1), which is never 0;
        shape (n_labels,)
    """

    models: Sequence[FittedModel | None]
    rates: NDArray[np.float64]

    @cached_property
    def fitted(self) -> dict[int, FittedModel]:
        """Position of the label -> model."""
        return {i: model for i, model in enumerate(self.models) if model is not None}

    @property
    def first(self) -> FittedModel:
        """A model; the columns in front of the trees are the same in all."""
        return next(iter(self.fitted.values()))

    @property
    def state_rows(self) -> tuple[int, ...]:
        """Fitted rows in each state of `states_of`, for the model that has the fewest."""
        counts = zip(*(model.state_rows for model in self.fitted.values()), strict=True)
        return tuple(min(of_state) for of_state in counts)

    @property
    def columns(self) -> list[Column]:
        """Columns of the design matrix."""
        return self.first.columns

    @property
    def ensembles(self) -> list[Ensemble]:
        """The trees of all models."""
        return [ensemble for model in self.fitted.values() for ensemble in model.ensembles]

    @property
    def platt(self) -> list[Platt]:
        """Calibration of each label; the slope is 0 for a label without a model."""
        return [
            _platt(model) if model else Platt(0.0, float(np.log(rate / (1 - rate))))
            for model, rate in zip(self.models, self.rates, strict=True)
        ]

    def log_odds(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated log-odds of owning each product, shape (n_rows, n_labels)."""
        margin = np.zeros((len(X), len(self.models)))
        for position, model in self.fitted.items():
            margin[:, position] = model.margin(X)
        return np.column_stack(
            [platt.log_odds(column) for platt, column in zip(self.platt, margin.T, strict=True)]
        )


def fit_labels(
    definition: RecommendationDefinition,
    rows: Dataset,
    progress: Callable[[str], None] = lambda _: None,
) -> FittedLabels:
    """Fit one model per label, owners against all others, with Platt's calibration.

    Parameters
    ----------
    rows : training rows with all labels

    Raises
    ------
    DatasetError
        No label has both enough owners and features that separate them from other customers.
    """
    models = []
    for number, (label, y) in enumerate(zip(definition.labels, rows.y.T, strict=True), start=1):
        progress(f"{label.name}: label {number} of {len(definition.labels)}")
        models.append(_fit_label(definition, replace(rows, y=y)))
    if not any(models):
        raise DatasetError(f"no product has {MIN_OWNERS} owners whom the features tell from others")
    return FittedLabels(models, (rows.y.sum(axis=0) + 0.5) / (len(rows.y) + 1))


def _fit_label(definition: RecommendationDefinition, rows: Dataset) -> FittedModel | None:
    # A product that nearly everybody owns has too few others to learn from.
    if np.bincount(rows.y, minlength=2).min() < MIN_OWNERS:
        return None
    try:
        return fit(definition, rows, methods=[Platt])
    except (UnrankedError, DatasetError):  # or its owners are of too few groups or times for folds
        return None


def _platt(model: FittedModel) -> Platt:
    method = model.calibration.method
    assert isinstance(method, Platt)  # noqa: S101 - fit_labels asks for no other
    return method
