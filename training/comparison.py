"""Algorithms side by side: cross-validated on the same folds of the same rows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import StratifiedKFold

from functions.shared.errors import DefinitionError
from training.calibration import sigmoid
from training.evaluation import METRICS, Interval, auc, auc_interval
from training.fitting import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from training.dataset import Dataset
    from training.definition import Definition


@dataclass(frozen=True, slots=True)
class Compared:
    """One algorithm's figures.

    Attributes
    ----------
    auc : mean over the folds, as tables of results are usually made
    pooled_auc : of all out-of-fold probabilities together, with DeLong's interval
    figures : KS, Brier score and so on of all out-of-fold probabilities
    fit_seconds : of one fold, calibration included
    """

    algorithm: str
    auc: float
    pooled_auc: Interval
    figures: dict[str, float]
    fit_seconds: float


def compare(
    definition: Definition,
    dataset: Dataset,
    algorithms: Sequence[str],
    *,
    folds: int = 10,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Compared]:
    """Cross-validate algorithms: the definition's with its parameters, others with defaults.

    Raises
    ------
    DefinitionError
        The model does not tell defaults.
    """
    if definition.target is None:
        raise DefinitionError(f"{definition.name}: algorithms are compared for the task default")
    splitter = StratifiedKFold(folds, shuffle=True, random_state=definition.split.seed)
    splits = list(splitter.split(dataset.X, dataset.y))
    variants = {
        name: definition if name == definition.algorithm.name else definition.with_algorithm(name)
        for name in algorithms
    }
    for name, variant in variants.items():
        log_odds = np.empty(len(dataset.y))
        started = time.perf_counter()
        for number, (train, held_out) in enumerate(splits, start=1):
            progress(f"{name}: fold {number} of {folds}")
            model = fit(variant, dataset.X[train], dataset.y[train])
            log_odds[held_out] = model.log_odds(dataset.X[held_out])
        seconds = (time.perf_counter() - started) / folds
        by_fold = [auc(dataset.y[held_out], log_odds[held_out]) for _, held_out in splits]
        yield Compared(
            algorithm=name,
            auc=float(np.mean(by_fold)),
            pooled_auc=auc_interval(dataset.y, log_odds),
            figures={key: metric(dataset.y, sigmoid(log_odds)) for key, metric in METRICS.items()},
            fit_seconds=seconds,
        )
