"""All models of a recommendation as one ONNX graph: `X` to the probability of every label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.export import imputed
from training.features import add_feature_graph
from training.graph import ML, GraphBuilder
from training.trees import LEAF

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import ModelProto

    from functions.shared.contract import Contract
    from training.multilabel import FittedLabels
    from training.trees import Ensemble


def multilabel_graph(model: FittedLabels, contract: Contract) -> ModelProto:
    """`X` (n_rows, n_features) -> `probabilities` (n_rows, n_labels), for one row and for many."""
    graph = GraphBuilder()
    columns, _ = add_feature_graph(graph, contract, model.columns)
    columns = imputed(graph, columns, model.first)
    ensembles = {position: fitted.ensembles[0] for position, fitted in model.fitted.items()}
    raw = add_ensembles(graph, columns, ensembles, len(contract.labels))
    slopes = graph.constant([[platt.slope for platt in model.platt]])
    intercepts = graph.constant([[platt.intercept for platt in model.platt]])
    log_odds = graph.node("Add", graph.node("Mul", raw, slopes), intercepts)
    probabilities = graph.node("Sigmoid", log_odds)
    return graph.model(
        {"X": len(contract.features)}, {"probabilities": (probabilities, len(contract.labels))}
    )


def add_ensembles(
    graph: GraphBuilder, columns: str, ensembles: Mapping[int, Ensemble], n_targets: int
) -> str:
    """Append one TreeEnsembleRegressor; returns the raw outputs, shape (n_rows, n_targets).

    Parameters
    ----------
    columns : float32 tensor of shape (n_rows, n_columns), NaN for missing
    ensembles : target -> its trees; a target without any is 0
    """
    owned = [(target, tree) for target, of in ensembles.items() for tree in of.trees]
    trees = [tree for _, tree in owned]
    sizes = [len(tree.feature) for tree in trees]
    feature = np.concatenate([tree.feature for tree in trees])
    leaf = feature == LEAF
    tree_ids = np.repeat(np.arange(len(trees)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])
    targets = np.repeat([target for target, _ in owned], sizes)
    left, right = (
        np.where(leaf, 0, np.concatenate([getattr(tree, side) for tree in trees]))
        for side in ("left", "right")
    )
    missing_left = np.concatenate([tree.missing_left for tree in trees])
    values = np.concatenate([tree.value for tree in trees])
    base = [ensembles[i].base if i in ensembles else 0.0 for i in range(n_targets)]
    return graph.node(
        "TreeEnsembleRegressor",
        columns,
        domain=ML,
        n_targets=n_targets,
        base_values=base,
        nodes_treeids=tree_ids.tolist(),
        nodes_nodeids=node_ids.tolist(),
        nodes_featureids=np.where(leaf, 0, feature).tolist(),
        nodes_modes=np.where(leaf, "LEAF", "BRANCH_LT").tolist(),
        nodes_values=np.concatenate([tree.threshold for tree in trees]).tolist(),
        nodes_truenodeids=left.tolist(),
        nodes_falsenodeids=right.tolist(),
        nodes_missing_value_tracks_true=missing_left.astype(int).tolist(),
        target_treeids=tree_ids[leaf].tolist(),
        target_nodeids=node_ids[leaf].tolist(),
        target_ids=targets[leaf].tolist(),
        target_weights=values[leaf].tolist(),
    )
