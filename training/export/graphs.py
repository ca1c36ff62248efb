"""The fitted model as ONNX: online graph, batch graph, and a witness from converters."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from sklearn.pipeline import Pipeline

from training.graph.builder import ML, ML_OPSET, GraphBuilder
from training.graph.contributions import Contributions, add_tree_contributions
from training.graph.features import add_columns, add_sources, along
from training.graph.linear import add_linear_contributions
from training.graph.states import unlearned_output
from training.graph.table_rows import Reading
from training.graph.tree_sum import add_tree_sum
from training.graph.trees import read_ensemble

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from onnx import ModelProto

    from scoreline.core.contract import Contract
    from training.fit.model import FittedModel
    from training.graph.features import Sources
    from training.graph.trees import Ensemble

# The newest opset that onnxmltools supports.
WITNESS_OPSET = 15
_OPTIONS = {"zipmap": [True, False, "columns"], "nocl": [True, False]}


def online_graph(model: FittedModel, contract: Contract) -> tuple[ModelProto, float]:
    """`X` -> all outputs of an answer, including the contribution of every source to the margin.

    Returns the graph and the expected margin, from which the contributions start.
    """
    graph = GraphBuilder()
    sources = add_sources(graph, contract)
    if model.estimator.algorithm.linear:
        columns = _design(graph, sources, model)
        found = _linear_contributions(graph, columns, model, len(contract.sources))
    else:
        found = add_tree_contributions(
            graph,
            sources.values,
            read_ensemble(model.classifier),
            [column.source for column in model.columns],
            len(contract.sources),
            readings=_readings(model, contract),
        )
    explained = (found.contributions, sources.amounts)
    return _finished(graph, model, contract, sources, found.raw, explained), found.expected_raw


def batch_graph(model: FittedModel, contract: Contract) -> ModelProto:
    """The same in the form for many rows; probability and log-odds are equal bit for bit.

    Its optional input `explain`, true by default, switches contributions off. Trees are then scored
    many times faster, and `contributions` and `values` have shape (0, n_sources).
    """
    graph = GraphBuilder()
    explain = graph.option("explain", default=True)
    width = len(contract.sources)
    sources = add_sources(graph, contract, axis=1 if model.estimator.algorithm.linear else 0)
    columns = _design(graph, sources, model)

    def if_explained(add: Callable[[], str]) -> str:
        return graph.either(explain, add, lambda: graph.constant(np.empty((0, width))))

    if model.estimator.algorithm.linear:
        found = _linear_contributions(graph, columns, model, width)
        raw, contributions = found.raw, if_explained(lambda: found.contributions)
        values = if_explained(lambda: sources.amounts)
    else:
        ensemble = read_ensemble(model.classifier)
        raw = add_tree_sum(graph, columns, ensemble, len(model.columns))
        contributions = if_explained(
            lambda: _contributions_of_many_rows(graph, columns, model, ensemble, width)
        )
        values = if_explained(lambda: graph.transposed(sources.amounts))
    return _finished(graph, model, contract, sources, raw, (contributions, values))


def _contributions_of_many_rows(
    graph: GraphBuilder, columns: str, model: FittedModel, ensemble: Ensemble, n_sources: int
) -> str:
    sources = [column.source for column in model.columns]
    found = add_tree_contributions(graph, columns, ensemble, sources, n_sources, many_rows=True)
    return found.contributions


def _design(graph: GraphBuilder, sources: Sources, model: FittedModel) -> str:
    """The classifier's design matrix, with columns along the axis of the sources."""
    columns = add_columns(graph, sources, model.columns)
    return imputed(graph, columns, model, sources.axis)


def _readings(model: FittedModel, contract: Contract) -> list[Reading]:
    """How each column of the design matrix follows from the sources."""
    return [
        Reading(
            column.source,
            column.value,
            getattr(contract.sources[column.source], "specials", ()),
            median,
        )
        for column, median in zip(model.columns, _medians(model), strict=True)
    ]


def _medians(model: FittedModel) -> NDArray[np.float64]:
    """Replacement for a missing value in each column; NaN where the classifier accepts NaN."""
    imputer = model.pipeline.named_steps.get("impute")
    medians: NDArray[np.float64] = (
        np.full(len(model.columns), nan) if imputer is None else imputer.statistics_
    )
    return medians


def _finished(
    graph: GraphBuilder,
    model: FittedModel,
    contract: Contract,
    sources: Sources,
    raw: str,
    explained: tuple[str, str],
) -> ModelProto:
    """The graph with its outputs; `explained` are the contributions and the values."""
    width = len(contract.sources)
    log_odds, probability = model.calibration.add_to(graph, raw)
    contributions, values = explained
    outputs = {
        "probability": (probability, 1),
        "log_odds": (log_odds, 1),
        "margin": (raw, 1),
        "contributions": (contributions, width),
        "values": (values, width),
        **unlearned_output(graph, sources, contract),
    }
    return graph.model({"X": len(contract.features)}, outputs)


def witness_graph(model: FittedModel) -> ModelProto:
    """The uncalibrated pipeline behind the feature graph, converted by independent libraries."""
    _register_converter(model)
    steps = Pipeline(model.pipeline.steps[1:])
    kind = FloatTensorType([None, len(model.columns)])
    witness: ModelProto = convert_sklearn(
        steps,
        initial_types=[("columns", kind)],
        options={id(model.classifier): {"zipmap": False}},
        target_opset={"": WITNESS_OPSET, ML: ML_OPSET},
    )
    return witness


def imputed(graph: GraphBuilder, columns: str, model: FittedModel, axis: int = 1) -> str:
    """Missing values replaced by the medians of the pipeline's imputer, if it has one."""
    medians = _medians(model)
    if np.isnan(medians).all():
        return columns
    missing = graph.node("IsNaN", columns)
    return graph.node("Where", missing, along(graph, medians, axis), columns)


def _linear_contributions(
    graph: GraphBuilder, columns: str, model: FittedModel, n_sources: int
) -> Contributions:
    sources = [column.source for column in model.columns]
    scaler: Any = model.pipeline["scale"]
    coefficients = model.classifier.coef_[0].astype(np.float64)
    means = scaler.mean_
    # w (x - mean) / scale + b, as a linear function of the column itself.
    weights = coefficients / scaler.scale_
    intercept = float(model.classifier.intercept_[0] - weights @ means)
    return add_linear_contributions(graph, columns, weights, means, intercept, sources, n_sources)


def _register_converter(model: FittedModel) -> None:
    if model.estimator.converter is None:
        return
    kind = type(model.classifier)
    update_registered_converter(
        kind,
        f"Scoreline{kind.__name__}",
        calculate_linear_classifier_output_shapes,
        model.estimator.converter(),
        options=_OPTIONS,
        overwrite=True,
    )
