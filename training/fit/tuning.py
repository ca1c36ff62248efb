"""Searches an algorithm's parameters by cross-validation on the training rows.

The search never sees the test rows. Each trial is fitted like the model itself, with its monotone
directions and without protected features. It is not calibrated, because calibration keeps the order
of the rows and so the AUC.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.definition.search_spaces import SPACES
from training.data.folds import draw_folds
from training.data.sampling import drawn_by_class
from training.evaluate.metrics import auc
from training.fit.algorithms import ESTIMATORS
from training.fit.model import fit_pipeline, margin_of
from training.fit.population import weighting_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import optuna
    from optuna.distributions import BaseDistribution

    from scoreline.definition.model import DefaultDefinition
    from scoreline.definition.search_spaces import Range, Space
    from training.data.dataset import Dataset
    from training.data.folds import Fold

    type Parameters = dict[str, Any]

# More rows change the choice of parameters less than other folds would.
MOST_ROWS = 100_000
# Trials that run through all folds before later ones are compared with their median.
STARTUP_TRIALS = 5


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One trial: parameters and their AUC.

    Attributes
    ----------
    state : complete, or pruned because its first folds were below the median of earlier trials
    auc : mean over the folds that were fitted
    """

    number: int
    state: str
    auc: float
    folds: int
    seconds: float
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tuned:
    """The result of a study.

    Attributes
    ----------
    before, after : mean AUC over the folds with the definition's own parameters and with the best
        ones; equal where no trial was better
    best_parameters : parameters that replace the definition's own; empty where no trial was better
    """

    algorithm: str
    metric: str
    rows: int
    folds: int
    seed: int
    asked: int
    timeout_s: float | None
    timed_out: bool
    seconds: float
    before: float
    after: float
    best_trial: int | None
    best_parameters: dict[str, Any]
    trials: list[TrialResult] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The study for the manifest."""
        return asdict(self)


def search_space(definition: DefaultDefinition) -> Space:
    """The algorithm's search space without the parameters that the definition gives."""
    assert definition.tuning is not None  # noqa: S101 - callers check it
    space = SPACES[definition.algorithm.name](definition.tuning.max_depth)
    given = definition.algorithm.parameters
    return {name: values for name, values in space.items() if name not in given}


def tune(
    definition: DefaultDefinition,
    rows: Dataset,
    progress: Callable[[str], None] = lambda _: None,
) -> Tuned:
    """Run the definition's study; the same seed gives the same study, unless time runs out.

    Parameters
    ----------
    rows : training rows
    """
    settings = definition.tuning
    assert settings is not None  # noqa: S101 - callers check it
    started = time.monotonic()
    rows = rows.take(drawn_by_class(rows.y, MOST_ROWS, settings.seed))
    folds = draw_folds(rows, settings.folds, settings.seed)

    def fold_scores(parameters: Parameters) -> Iterator[float]:
        return _fold_scores(definition.with_parameters(parameters), rows, folds)

    progress("tuning: the definition's own parameters")
    before = float(np.mean(list(fold_scores({}))))
    study, space, trials = _study(settings.seed), search_space(definition), list[TrialResult]()
    while len(trials) < settings.trials and not _time_is_up(started, settings.timeout_s):
        trials.append(_run(study, space, len(folds), fold_scores))
        progress(_progress_line(trials, settings.trials, before))
    best = _best(trials, before)
    return Tuned(
        algorithm=definition.algorithm.name,
        metric="auc",
        rows=len(rows.y),
        folds=len(folds),
        seed=settings.seed,
        asked=settings.trials,
        timeout_s=settings.timeout_s,
        timed_out=len(trials) < settings.trials,
        seconds=round(time.monotonic() - started, 1),
        before=before,
        after=best.auc if best else before,
        best_trial=best.number if best else None,
        best_parameters=best.parameters if best else {},
        trials=trials,
    )


def _study(seed: int) -> optuna.Study:
    import optuna  # takes half a second, and few definitions are tuned

    optuna.logging.set_verbosity(optuna.logging.WARNING)  # we report progress ourselves
    return optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS),
    )


def _distribution(values: Range) -> BaseDistribution:
    from optuna.distributions import FloatDistribution, IntDistribution

    low, high, log, step = values
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log, step)
    return FloatDistribution(low, high, log)


def _fold_scores(
    definition: DefaultDefinition,
    rows: Dataset,
    folds: list[Fold],
) -> Iterator[float]:
    """AUC of each fold, fitted on demand."""
    estimator = ESTIMATORS[definition.algorithm.name]
    weighting = weighting_of(definition, rows)
    for fitted, held_out in folds:
        pipeline = fit_pipeline(definition, estimator, rows, fitted)
        margin = margin_of(estimator, pipeline, rows.X[held_out])
        yield auc(rows.y[held_out], margin, weighting.take(held_out))


def _run(
    study: optuna.Study,
    space: Space,
    n_folds: int,
    fold_scores: Callable[[Parameters], Iterator[float]],
) -> TrialResult:
    """Run one trial, and prune it once the median of earlier trials is better at the same fold."""
    from optuna.trial import TrialState

    started, scores, pruned = time.monotonic(), list[float](), False
    trial = study.ask({name: _distribution(values) for name, values in space.items()})
    for score in fold_scores(trial.params):
        scores.append(score)
        trial.report(float(np.mean(scores)), len(scores))
        if pruned := len(scores) < n_folds and trial.should_prune():
            break
    value, state = float(np.mean(scores)), "pruned" if pruned else "complete"
    study.tell(trial, None if pruned else value, TrialState[state.upper()])
    seconds = round(time.monotonic() - started, 2)
    return TrialResult(trial.number, state, value, len(scores), seconds, trial.params)


def _best(trials: list[TrialResult], before: float) -> TrialResult | None:
    """The best complete trial, if it beats the definition's own parameters."""
    # A pruned trial's AUC is that of its first folds, which others' means cannot be compared with.
    best = max(_complete(trials), key=lambda trial: trial.auc, default=None)
    return best if best is not None and best.auc > before else None


def _complete(trials: list[TrialResult]) -> list[TrialResult]:
    return [trial for trial in trials if trial.state == "complete"]


def _time_is_up(started: float, timeout_s: float | None) -> bool:
    return timeout_s is not None and time.monotonic() - started >= timeout_s


def _progress_line(trials: list[TrialResult], asked: int, before: float) -> str:
    """A line of progress."""
    last = trials[-1]
    best = max([before, *(trial.auc for trial in _complete(trials))])
    pruned = f", pruned after {last.folds} folds" if last.state == "pruned" else ""
    return f"trial {len(trials)} of {asked}: AUC {last.auc:.4f}{pruned}, best {best:.4f}"
