"""Trains a credit model: fits, evaluates, exports and checks a probability of default."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from scoreline.scoring.many_rows import open_session, run_unlearned
from training.evaluate.classification import classification
from training.evaluate.metrics import METRICS, auc, evaluate
from training.evaluate.weighting import Weighting, effective_rows, weighted_mean
from training.export.golden_rows import golden_rows
from training.export.graphs import batch_graph, online_graph, witness_graph
from training.export.parity import Candidate, check_parity
from training.export.reference_group import build_reference
from training.export.trained_model import TrainedModel
from training.fit.calibration import sigmoid, uncalibrated
from training.fit.model import fit
from training.fit.population import population_weights, weighting_of
from training.gates.sweeps import check_age, reversals
from training.graph.states import with_unlearned
from training.report.figures.default import figures_of_default
from training.report.figures.points_table import points_table
from training.report.figures.scored_rows import ScoredRows
from training.report.figures.states import state_table

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import onnxruntime
    from numpy.typing import NDArray
    from onnx import ModelProto

    from scoreline.core.contract import Contract
    from scoreline.definition.model import DefaultDefinition
    from training.data.dataset import Dataset
    from training.evaluate.intervals import Metric
    from training.fit.model import FittedModel

CALIBRATION_FIGURES = (
    "brier",
    "calibration_error",
    "calibration_intercept",
    "calibration_slope",
)


@dataclass(frozen=True)
class _Exported:
    """The graphs of a fitted model, and sessions that run them."""

    online: ModelProto
    batch: ModelProto
    candidate: Candidate


def train_default(
    definition: DefaultDefinition,
    fitted: Dataset,
    held_out: Dataset,
    progress: Callable[[str], None],
) -> TrainedModel:
    """Fit, evaluate and export; a ParityError or TrainingError where the result is unusable."""
    model = fit(definition, fitted, progress)
    progress(f"evaluating on {len(held_out.y):,} held-out rows")
    margin = model.margin(held_out.X)
    log_odds = model.calibration.log_odds(margin)
    weighting = weighting_of(definition, held_out)
    metrics, calibration = _evaluate(model, margin, sigmoid(log_odds), held_out.y, weighting)
    progress("exporting to ONNX")
    contract = with_unlearned(definition.contract(), model.state_rows, definition.min_state_rows)
    exported = _export(model, contract)
    online, batch = exported.candidate.online, exported.candidate.batch
    checks = _check(model, contract, exported.candidate, fitted, held_out, progress)
    reference = build_reference(
        definition, online, model.calibration, fitted.X, population_weights(definition, fitted)
    )
    contract = replace(contract, reference=reference)
    progress("figures of the report")
    scored = _scored(contract, held_out, log_odds, weighting, batch)
    return TrainedModel(
        contract=contract,
        online=exported.online,
        batch=exported.batch,
        score=auc(held_out.y, scored.probability, weighting),
        metrics=metrics,
        samples={"train": _sample(definition, fitted), "test": _sample(definition, held_out)},
        sections={
            "classification": classification(
                contract, log_odds, held_out.y, weighting, unlearned=scored.unlearned
            ),
            "calibration": calibration,
            **checks,
            "states": state_table(definition, contract, model.state_rows),
            "scorecard": points_table(model, contract),
            "reference": {"digest": reference.digest, **asdict(reference)},
            **figures_of_default(definition, fitted, scored, batch),
        },
        golden=golden_rows(contract, online, held_out.X),
    )


def _scored(
    contract: Contract,
    held_out: Dataset,
    log_odds: NDArray[np.float64],
    weighting: Weighting,
    batch: onnxruntime.InferenceSession,
) -> ScoredRows:
    unlearned = run_unlearned(batch, held_out.X).any(axis=1)
    probability = sigmoid(log_odds)
    return ScoredRows(contract, held_out, log_odds, probability, weighting.default_rate, unlearned)


def _export(model: FittedModel, contract: Contract) -> _Exported:
    online, expected_margin = online_graph(model, contract)
    batch = batch_graph(model, contract)
    witness = witness_graph(model) if model.estimator.algorithm.converts else None
    candidate = Candidate(
        open_session(online.SerializeToString()),
        open_session(batch.SerializeToString()),
        open_session(witness.SerializeToString()) if witness is not None else None,
        expected_margin,
    )
    return _Exported(online, batch, candidate)


def _check(
    model: FittedModel,
    contract: Contract,
    candidate: Candidate,
    fitted: Dataset,
    held_out: Dataset,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Results of the checks that end the training where they fail, and of the sweeps."""
    progress("parity gate: ONNX against the fitted pipeline")
    parity = check_parity(model, contract, candidate, held_out.X)
    progress("sweeps: monotone directions and age")
    monotone = reversals(model, contract, candidate.batch, fitted.X, held_out.X, progress)
    check_age(contract, candidate.batch, held_out.X)
    return {"monotone": monotone, "parity": asdict(parity)}


def _evaluate(
    model: FittedModel,
    margin: NDArray[np.float64],
    probability: NDArray[np.float64],
    y: NDArray[np.int8],
    weighting: Weighting,
) -> tuple[dict[str, Metric], dict[str, Any]]:
    """Figures on test rows, before and after calibration."""
    before = uncalibrated(margin, model.estimator.link)
    figures = {
        "before": {name: METRICS[name](y, before, weighting) for name in CALIBRATION_FIGURES},
        "after": {name: METRICS[name](y, probability, weighting) for name in CALIBRATION_FIGURES},
    }
    return evaluate(y, probability, weighting), {**model.calibration.describe(), **figures}


def _sample(definition: DefaultDefinition, rows: Dataset) -> dict[str, float]:
    """Rows, defaults and the bad rate; of weighted rows, also how many equal ones they are worth.

    The bad rate is that of the rows by their own weights, before they are brought to the default
    rate of the population.
    """
    y, weighting = rows.y, weighting_of(definition, rows)
    rate = weighted_mean(y, weighting.own(len(y)))
    found = {"rows": len(y), "defaults": int(y.sum()), "bad_rate": round(rate, 6)}
    weight = weighting.given(y)
    return (
        found if weight is None else {**found, "effective_rows": round(effective_rows(weight), 1)}
    )
