"""All models of a recommendation as one ONNX graph: `X` -> the probability of every label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.export.graphs import imputed
from training.graph.builder import GraphBuilder
from training.graph.features import add_columns, add_sources
from training.graph.states import unlearned_output
from training.graph.tree_ensemble import add_tree_ensemble

if TYPE_CHECKING:
    from onnx import ModelProto

    from scoreline.core.contract import Contract
    from training.fit.multilabel import FittedLabels


def multilabel_graph(model: FittedLabels, contract: Contract) -> ModelProto:
    """`X` (n_rows, n_features) -> `probabilities` (n_rows, n_labels), for one row and for many.

    Where the model has unlearned states, the output `unlearned` says which of them a row is in.
    """
    graph = GraphBuilder()
    sources = add_sources(graph, contract)
    columns = imputed(graph, add_columns(graph, sources, model.columns), model.first)
    raw = [add_tree_ensemble(graph, columns, ensemble) for ensemble in model.ensembles]
    # At most one slope per column: the product is then exact, and 0 for labels without a model.
    slopes = np.zeros((len(raw), len(contract.labels)))
    slopes[range(len(raw)), list(model.fitted)] = [model.platt[i].slope for i in model.fitted]
    scaled = graph.node("MatMul", graph.node("Concat", *raw, axis=1), graph.constant(slopes))
    intercepts = graph.constant([[platt.intercept for platt in model.platt]])
    probabilities = graph.node("Sigmoid", graph.node("Add", scaled, intercepts))
    outputs = {
        "probabilities": (probabilities, len(contract.labels)),
        **unlearned_output(graph, sources, contract),
    }
    return graph.model({"X": len(contract.features)}, outputs)
