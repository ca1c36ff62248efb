"""What tuning finds, beside the best single models that we know of on the same rows.

German credit by stratified 10-fold cross-validation, Taiwan by 5-fold. Tuning is nested: in every
fold the parameters are searched, and the model and its calibration fitted, on the other folds
alone. What features and rules are worth on Taiwan is seen by leaving them out, with the default
parameters and without calibration, which does not change the AUC.

    DATA_DIR=... python -m bench.tuning [TRIALS]

DATA_DIR is a folder that holds `taiwan_default.parquet`.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from sklearn.model_selection import StratifiedKFold

from bench import report
from cli.seed_data import german_credit
from scoreline.definition.files import load_definition
from scoreline.definition.tables import Tuning
from scoreline.definition.variants import with_algorithm
from training.data.dataset import load_dataset
from training.evaluate.metrics import METRICS, auc
from training.fit.algorithms import ESTIMATORS
from training.fit.calibration import sigmoid
from training.fit.model import fit, fit_pipeline, margin_of
from training.fit.tuning import tune

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset

    type Fold = tuple[NDArray[np.int64], NDArray[np.int64]]
    type Score = Callable[[NDArray[np.float32]], NDArray[np.float64]]

TRIALS, INNER_FOLDS = 20, 4
FIGURES = ("auc", "ks", "brier", "calibration_error")
HEAD = ("rows", "model", "AUC", "KS", "Brier", "ECE")


@dataclass(frozen=True, slots=True)
class Case:
    """A dataset's folds, and what the best single model that we know of has there."""

    folds: int
    algorithms: tuple[str, ...]
    peer: str
    known: dict[str, float]


TAIWAN = {"auc": 0.7855, "ks": 0.438, "brier": 0.1333, "calibration_error": 0.013}
CASES = {
    "german-credit": Case(10, ("xgboost", "gradient_boosting"), "CatBoost", {"auc": 0.800}),
    "taiwan-default": Case(5, ("xgboost",), "tuned LightGBM, all columns", TAIWAN),
}


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """A dataset with its folds, and whom to tell."""

    dataset: Dataset
    folds: list[Fold]
    progress: Callable[[str], None]

    @classmethod
    def of(
        cls, definition: Definition, path: Path, folds: int, progress: Callable[[str], None]
    ) -> CrossValidation:
        """The folds are the same for the same rows."""
        dataset = load_dataset(definition, str(path))
        splitter = StratifiedKFold(folds, shuffle=True, random_state=definition.split.seed)
        return cls(dataset, list(splitter.split(dataset.X, dataset.y)), progress)

    def figures(self, name: str, choose: Callable[[Fold], Definition]) -> dict[str, float]:
        """AUC as the mean over the folds; the others of all held-out rows together.

        Parameters
        ----------
        choose : the definition to fit on a fold's training rows
        """
        return self._figures(name, lambda fold, X, y: fit(choose(fold), X, y).log_odds)

    def uncalibrated(self, name: str, definition: Definition) -> dict[str, float]:
        """The same, of the classifier alone."""
        algorithm = ESTIMATORS[definition.algorithm.name]

        def fitted(_: Fold, X: NDArray[np.float32], y: NDArray[np.int8]) -> Score:
            return partial(margin_of, algorithm, fit_pipeline(definition, algorithm, X, y))

        return self._figures(name, fitted)

    def _figures(
        self,
        name: str,
        fit_fold: Callable[[Fold, NDArray[np.float32], NDArray[np.int8]], Score],
    ) -> dict[str, float]:
        X, y = self.dataset.X, self.dataset.y
        log_odds = np.empty(len(y))
        for number, fold in enumerate(self.folds, start=1):
            self.progress(f"{name}: fold {number} of {len(self.folds)}")
            fitted, held_out = fold
            log_odds[held_out] = fit_fold(fold, X[fitted], y[fitted])(X[held_out])
        area = np.mean([auc(y[rows], log_odds[rows]) for _, rows in self.folds])
        others = {name: METRICS[name](y, sigmoid(log_odds)) for name in FIGURES[1:]}
        return {"auc": round(float(area), 4), **{k: round(v, 4) for k, v in others.items()}}

    def tuned(self, definition: Definition, rows: NDArray[np.int64]) -> Definition:
        """The definition with what a study on some rows finds."""
        found = tune(definition, self.dataset.X[rows], self.dataset.y[rows], self.progress)
        return definition.with_parameters(found.best_parameters)


def main() -> None:
    """Measure, write and print."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS
    results: dict[str, Any] = {"trials": trials, "inner_folds": INNER_FOLDS}
    rows = []
    console = Console(stderr=True)
    with console.status("reading") as status, TemporaryDirectory() as folder:
        german = Path(folder, "german.csv")
        german.write_bytes(german_credit())
        taiwan = Path(os.environ["DATA_DIR"], "taiwan_default.parquet")
        for model, path in (("german-credit", german), ("taiwan-default", taiwan)):
            case = CASES[model]
            results[model] = {"known": {"model": case.peer, **case.known}}
            rows.append(_row(model, f"known: {case.peer}", case.known))
            for name, figures in _measure(load_definition(model), path, trials, status.update):
                console.print(model, name, figures)
                results[model][name] = figures
                rows.append(_row(model, name, figures))
    report.write("tuning", results, report.table(HEAD, rows))


def _measure(
    definition: Definition, path: Path, trials: int, progress: Callable[[str], None]
) -> Iterator[tuple[str, dict[str, float]]]:
    case = CASES[definition.name]
    folded = CrossValidation.of(definition, path, case.folds, progress)
    for algorithm in case.algorithms:
        plain = with_algorithm(definition, algorithm)
        yield f"{algorithm}, defaults", folded.figures(algorithm, lambda _, plain=plain: plain)
        asked = _with_tuning(plain, trials)
        yield (
            f"{algorithm}, tuned",
            folded.figures(algorithm, lambda fold, asked=asked: folded.tuned(asked, fold[0])),
        )
    if any(feature.monotone for feature in definition.features):
        for name, variant in _variants(definition).items():
            other = CrossValidation.of(variant, path, case.folds, progress)
            yield name, other.uncalibrated(name, variant)


def _with_tuning(definition: Definition, trials: int) -> Definition:
    return definition.model_copy(update={"tuning": Tuning(trials=trials, folds=INNER_FOLDS)})


def _variants(definition: Definition) -> Mapping[str, Definition]:
    """The definition as it is, and with some of its rules or features left out."""
    free = _changed(definition, monotone=None)
    return {
        "defaults, uncalibrated": definition,
        "without derived features": definition.model_copy(update={"derived": ()}),
        "without directions": free,
        "with protected features": _changed(definition, protected=False),
        "with protected features, without directions": _changed(free, protected=False),
    }


def _changed(definition: Definition, **fields: object) -> Definition:
    """The definition with fields of all features changed; what is derived has directions alone."""
    directions = {key: value for key, value in fields.items() if key == "monotone"}
    changed = {
        "features": tuple(replace(feature, **fields) for feature in definition.features),
        "derived": tuple(replace(feature, **directions) for feature in definition.derived),
    }
    return definition.model_copy(update=changed)


def _row(model: str, name: str, figures: Mapping[str, float]) -> list[str]:
    return [model, name, *(f"{figures[k]:.4f}" if k in figures else "" for k in FIGURES)]


if __name__ == "__main__":
    main()
