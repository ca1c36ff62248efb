"""Trains a model of the probability of default: calibrated, explained, held to its directions."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from scoreline.scoring.many_rows import open_session
from training.evaluate.classification import classification
from training.evaluate.metrics import METRICS, chance_error, evaluate
from training.export.golden_rows import golden_rows
from training.export.graphs import batch_graph, online_graph, witness_graph
from training.export.parity import Candidate, check_parity
from training.export.reference_group import build_reference
from training.export.trained_model import TrainedModel
from training.fit.calibration import sigmoid, uncalibrated
from training.fit.model import fit
from training.gates.sweeps import check_age, reversals
from training.report.figures.default import figures_of_default
from training.report.figures.points_table import points_table
from training.report.figures.scored_rows import ScoredRows

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from scoreline.definition.model import DefaultDefinition
    from training.data.dataset import Dataset
    from training.evaluate.intervals import Interval
    from training.fit.model import FittedModel

CALIBRATION_FIGURES = (
    "brier",
    "calibration_error",
    "calibration_intercept",
    "calibration_slope",
)


def train_default(
    definition: DefaultDefinition,
    fitted: Dataset,
    held_out: Dataset,
    progress: Callable[[str], None],
) -> TrainedModel:
    """Fit, evaluate and export; ParityError or TrainingError where a gate stops it."""
    model = fit(definition, fitted.X, fitted.y, progress)
    progress(f"evaluating on {len(held_out.y):,} held-out rows")
    margin = model.margin(held_out.X)
    probability = sigmoid(replace(model.calibration, shift=0.0).log_odds(margin))
    metrics, calibration = _evaluate(model, margin, probability, held_out.y)
    progress("exporting to ONNX")
    plain = definition.contract()
    (online, expected_margin), batch = online_graph(model, plain), batch_graph(model, plain)
    witness = witness_graph(model) if model.estimator.algorithm.converts else None
    sessions = [
        graph and open_session(graph.SerializeToString()) for graph in (online, batch, witness)
    ]
    progress("parity gate: ONNX against the fitted pipeline")
    candidate = Candidate(sessions[0], sessions[1], sessions[2], expected_margin)
    parity = check_parity(model, plain, candidate, held_out.X)
    progress("sweeps: monotone directions and age")
    monotone = reversals(plain, sessions[1], fitted.X, held_out.X)
    check_age(plain, sessions[1], held_out.X)
    reference = build_reference(definition, sessions[0], model.calibration, fitted.X)
    contract = definition.contract(reference)
    progress("figures of the report")
    answered = ScoredRows(contract, held_out, model.calibration.log_odds(margin), probability)
    return TrainedModel(
        contract=contract,
        online=online,
        batch=batch,
        score=metrics["auc"].value,
        metrics=metrics,
        samples={"train": _sample(fitted.y), "test": _sample(held_out.y)},
        sections={
            "classification": classification(plain, answered.log_odds, held_out.y),
            "calibration": calibration,
            "monotone": monotone,
            "parity": asdict(parity),
            "scorecard": points_table(model, plain),
            "reference": {"digest": reference.digest, **asdict(reference)},
            **figures_of_default(definition, fitted, answered, sessions[1]),
        },
        golden=golden_rows(contract, sessions[0], held_out.X),
    )


def _evaluate(
    model: FittedModel,
    margin: NDArray[np.float64],
    probability: NDArray[np.float64],
    y: NDArray[np.int8],
) -> tuple[dict[str, Interval], dict[str, Any]]:
    """Figures on held-out rows at the sample's own default rate; calibration before and after."""
    before = uncalibrated(margin, model.estimator.link)
    figures = {
        "before": {name: METRICS[name](y, before) for name in CALIBRATION_FIGURES},
        "after": {name: METRICS[name](y, probability) for name in CALIBRATION_FIGURES},
    }
    chance = {"chance": chance_error(probability)}
    return evaluate(y, probability), {**model.calibration.describe(), **figures, **chance}


def _sample(y: NDArray[np.int8]) -> dict[str, float]:
    return {"rows": len(y), "defaults": int(y.sum()), "bad_rate": round(float(y.mean()), 6)}
