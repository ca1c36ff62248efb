"""Trains a recommendation: a calibrated probability for each product, evaluated as a ranking."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.scoring.many_rows import open_session
from training.evaluate.metrics import auc, brier, calibration_error
from training.evaluate.ranking import evaluate_ranking
from training.export.golden_rows import golden_recommendations
from training.export.recommendation_graph import multilabel_graph
from training.export.recommendation_parity import check_label_parity
from training.export.trained_model import TrainedModel
from training.fit.calibration import sigmoid
from training.fit.multilabel import fit_labels
from training.graph.states import with_unlearned
from training.report.figures.recommendation import figures_of_recommendation, lifts
from training.report.figures.states import state_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from scoreline.definition.model import RecommendationDefinition
    from training.data.dataset import Dataset
    from training.fit.multilabel import FittedLabels


def train_recommendation(
    definition: RecommendationDefinition,
    fitted: Dataset,
    held_out: Dataset,
    progress: Callable[[str], None],
) -> TrainedModel:
    """Fit, evaluate and export; a ParityError or TrainingError where the result is unusable."""
    model = fit_labels(definition, fitted, progress)
    progress(f"evaluating on {len(held_out.y):,} held-out rows")
    probabilities = sigmoid(model.log_odds(held_out.X))
    metrics = evaluate_ranking(held_out.y, probabilities, model.rates, definition.top)
    progress("exporting to ONNX")
    contract = with_unlearned(definition.contract(), model.state_rows, definition.min_state_rows)
    graph = multilabel_graph(model, contract)
    session = open_session(graph.SerializeToString())
    progress("parity gate: ONNX against the fitted pipelines")
    parity = check_label_parity(model, contract, session, held_out.X)
    return TrainedModel(
        contract=contract,
        online=graph,
        batch=graph,
        score=metrics[f"map_at_{definition.top}"].value,
        metrics=metrics,
        samples={"train": _sample(fitted.y), "test": _sample(held_out.y)},
        sections={
            "labels": list(_labels(definition, model, fitted.y, held_out.y, probabilities)),
            "parity": asdict(parity),
            "states": state_table(definition, contract, model.state_rows),
            **figures_of_recommendation(definition, held_out, probabilities, model.rates),
        },
        golden=golden_recommendations(contract, session, held_out.X),
    )


def _labels(
    definition: RecommendationDefinition,
    model: FittedLabels,
    fitted: NDArray[np.int8],
    held_out: NDArray[np.int8],
    probabilities: NDArray[np.float64],
) -> Iterator[dict[str, Any]]:
    """Owners, calibration and figures on the test rows, for each label.

    `brier_of_rate` is the Brier score of the training rows' rate as everybody's probability.
    """
    lifted = lifts(held_out, probabilities, definition.top)
    for i, (label, platt) in enumerate(zip(definition.labels, model.platt, strict=True)):
        y, p, rate = held_out[:, i], probabilities[:, i], float(model.rates[i])
        has_both = 0 < y.sum() < len(y)
        yield {
            "name": label.name,
            "description": label.description,
            "owners": {"train": int(fitted[:, i].sum()), "test": int(y.sum())},
            "model": asdict(platt) if model.models[i] else None,
            "rate": rate,
            "auc": auc(y, p) if has_both else None,
            "brier": brier(y, p),
            "brier_of_rate": brier(y, np.full(len(y), rate)),
            "calibration_error": calibration_error(y, p),
            **lifted[i],
        }


def _sample(y: NDArray[np.int8]) -> dict[str, float]:
    return {"rows": len(y), "products_per_customer": round(float(y.sum(axis=1).mean()), 6)}
