"""Compares algorithms by cross-validation on the same folds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from scoreline.core.errors import DefinitionError, UnrankedError
from scoreline.definition.model import DefaultDefinition
from scoreline.definition.variants import with_algorithm
from scoreline.scoring.many_rows import open_session
from scoreline.scoring.scores import scores
from training.data.folds import draw_folds
from training.data.stable_order import in_stable_order
from training.evaluate.delong import auc_figure, compare_auc, holm
from training.evaluate.metrics import METRICS, auc
from training.evaluate.outcomes import Outcomes
from training.evaluate.profit import profit_curve, profit_of
from training.export.graphs import online_graph
from training.export.metadata import with_metadata
from training.fit.calibration import sigmoid
from training.fit.model import fit
from training.fit.population import weighting_of
from training.graph.states import in_unlearned_state, with_unlearned
from training.incumbents.swap_set import is_approved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import onnxruntime
    from numpy.typing import NDArray

    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset
    from training.data.folds import Fold
    from training.evaluate.intervals import Figure, Interval
    from training.evaluate.profit import Approvals
    from training.evaluate.weighting import Weighting

WARM_UP, RUNS = 50, 1000


@dataclass(frozen=True, slots=True)
class AgainstBest:
    """DeLong's paired test against the algorithm with the highest pooled AUC.

    Attributes
    ----------
    difference : AUC less that of the best
    p_value, adjusted : two-sided; adjusted by Holm for all algorithms of the table
    """

    difference: Interval
    p_value: float
    adjusted: float


@dataclass(frozen=True, slots=True)
class ProfitOfAlgorithm:
    """Profit per applicant at the definition's cutoff and at the best one for these rows.

    Attributes
    ----------
    approved : at the definition's cutoff
    best_cutoff, best : the most profitable cutoff, whose profit is optimistic on the same rows
    """

    currency: str
    approved: Approvals
    best_cutoff: int
    best: Approvals


@dataclass(frozen=True, slots=True)
class ComparedAlgorithm:
    """One algorithm's figures.

    Attributes
    ----------
    auc : mean over the folds, as in most published results
    pooled_auc : AUC of all out-of-fold probabilities together, with DeLong's interval
    figures : KS, Brier score and so on of all out-of-fold probabilities
    fit_seconds : median time for one fold, including calibration
    model_bytes : size of `model.onnx`, fitted on all folds except the last
    row_us : median time for one row in ONNX with contributions, on one thread, in microseconds
    against_best : None for the best algorithm
    profit : of all out-of-fold scores; None without `[economics]`
    """

    algorithm: str
    auc: float
    pooled_auc: Figure
    figures: dict[str, float | None]
    fit_seconds: float
    model_bytes: int
    row_us: float
    against_best: AgainstBest | None
    profit: ProfitOfAlgorithm | None


@dataclass(frozen=True, slots=True)
class _CrossValidated:
    log_odds: NDArray[np.float64]
    unlearned: NDArray[np.bool_]
    fit_seconds: float
    model_bytes: int
    row_us: float


def with_algorithms(definition: Definition, names: Sequence[str]) -> dict[str, DefaultDefinition]:
    """The definition with each algorithm; only its own algorithm keeps the parameters.

    Raises
    ------
    DefinitionError
        An algorithm is unknown or does not fit the definition, or the task is not `default`.
    """
    if not isinstance(definition, DefaultDefinition):
        raise DefinitionError(
            f"{definition.name}: algorithms can be compared only for the task default"
        )
    return {
        name: definition if name == definition.algorithm.name else with_algorithm(definition, name)
        for name in names
    }


def compare(
    variants: Mapping[str, DefaultDefinition],
    dataset: Dataset,
    *,
    folds: int = 10,
    progress: Callable[[str], None] = lambda _: None,
    left_out: Callable[[str], None] = lambda _: None,
) -> list[ComparedAlgorithm]:
    """Cross-validate the variants of a definition on the same folds.

    Rows with a time go forward, so figures are of all rows but the first in time.

    Parameters
    ----------
    variants : algorithm -> definition, from `with_algorithms`
    left_out : called with a line for each algorithm without a result

    Raises
    ------
    DatasetError
        The rows are too few for the folds.
    UnrankedError
        No algorithm ranks defaults better than chance on held-out rows.
    """
    dataset = in_stable_order(dataset)
    first = next(iter(variants.values()))  # all have the same split and weights
    splits = draw_folds(dataset, folds, first.split.seed, nested=True)
    found = {}
    for name, variant in variants.items():
        try:
            found[name] = _cross_validate(variant, dataset, splits, progress)
        except UnrankedError as error:
            left_out(f"{name} is left out: {error.message}")
    if not found:
        raise UnrankedError("no algorithm ranks defaults better than chance on held-out rows")
    held_out = np.concatenate([rows for _, rows in splits])
    weighting = weighting_of(first, dataset)
    shared = weighting.take(held_out)
    y, log_odds = dataset.y[held_out], {name: of.log_odds[held_out] for name, of in found.items()}
    against_best = _against_best(y, log_odds, shared)
    return [
        ComparedAlgorithm(
            algorithm=name,
            auc=_mean_auc(dataset, weighting, splits, of.log_odds),
            pooled_auc=auc_figure(y, log_odds[name], shared),
            figures=_figures(y, sigmoid(log_odds[name]), shared),
            fit_seconds=of.fit_seconds,
            model_bytes=of.model_bytes,
            row_us=of.row_us,
            against_best=against_best.get(name),
            profit=_profit(
                variants[name], dataset.take(held_out), log_odds[name], of.unlearned[held_out]
            ),
        )
        for name, of in found.items()
    ]


def _profit(
    definition: DefaultDefinition,
    dataset: Dataset,
    log_odds: NDArray[np.float64],
    unlearned: NDArray[np.bool_],
) -> ProfitOfAlgorithm | None:
    if definition.economics is None:
        return None
    default_rate = definition.calibration.default_rate
    outcomes = Outcomes.of(dataset.y, dataset.value, dataset.weight, default_rate)
    contract = definition.contract()
    never = unlearned & contract.refers_unlearned
    curve = profit_curve(scores(definition.score, log_odds), outcomes, never)
    return ProfitOfAlgorithm(
        currency=definition.economics.currency,
        approved=profit_of(is_approved(contract, log_odds, unlearned), outcomes),
        best_cutoff=int(curve.cutoff[curve.best]),
        best=curve.approvals(curve.best),
    )


def _figures(
    y: NDArray[np.int8], probability: NDArray[np.float64], weighting: Weighting
) -> dict[str, float | None]:
    return {name: metric(y, probability, weighting) for name, metric in METRICS.items()}


def _mean_auc(
    dataset: Dataset, weighting: Weighting, splits: Sequence[Fold], log_odds: NDArray[np.float64]
) -> float:
    """Mean AUC of the folds."""
    areas = [auc(dataset.y[rows], log_odds[rows], weighting.take(rows)) for _, rows in splits]
    return float(np.mean(areas))


def _cross_validate(
    definition: DefaultDefinition,
    dataset: Dataset,
    splits: Sequence[Fold],
    progress: Callable[[str], None],
) -> _CrossValidated:
    log_odds, unlearned = np.empty(len(dataset.y)), np.zeros(len(dataset.y), bool)
    seconds = []
    for number, (train, held_out) in enumerate(splits, start=1):
        progress(f"{definition.algorithm.name}: fold {number} of {len(splits)}")
        started = time.perf_counter()
        model = fit(definition, dataset.take(train))
        seconds.append(time.perf_counter() - started)
        log_odds[held_out] = model.log_odds(dataset.X[held_out])
        contract = with_unlearned(
            definition.contract(), model.state_rows, definition.min_state_rows
        )
        unlearned[held_out] = in_unlearned_state(contract, dataset.X[held_out])
    content = with_metadata(online_graph(model, contract)[0], {"contract": contract.to_json()})
    row_us = _row_us(open_session(content), dataset.X[held_out])
    return _CrossValidated(log_odds, unlearned, median(seconds), len(content), row_us)


def _row_us(session: onnxruntime.InferenceSession, X: NDArray[np.float32]) -> float:
    """Median time for all outputs of one row, in microseconds."""
    elapsed = []
    for run in range(WARM_UP + RUNS):
        row = X[[run % len(X)]]  # another row each time, as in serving
        started = time.perf_counter_ns()
        session.run(None, {"X": row})
        elapsed.append(time.perf_counter_ns() - started)
    return median(elapsed[WARM_UP:]) / 1000


def _against_best(
    y: NDArray[np.int8], scores: dict[str, NDArray[np.float64]], weighting: Weighting
) -> dict[str, AgainstBest]:
    best = max(scores, key=lambda name: auc(y, scores[name], weighting))
    tests = {
        name: compare_auc(y, score, scores[best], weighting)
        for name, score in scores.items()
        if name != best
    }
    adjusted = holm([test.p_value for test in tests.values()])
    return {
        name: AgainstBest(test.difference, test.p_value, of_all)
        for (name, test), of_all in zip(tests.items(), adjusted, strict=True)
    }
