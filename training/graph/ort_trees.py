"""Trees as ONNX Runtime's own TreeEnsembleRegressor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.graph.builder import ML
from training.graph.shapley_tables import coarse_and_fine, on_grid
from training.graph.trees import LEAF

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from training.graph.builder import GraphBuilder
    from training.graph.trees import Ensemble


def tree_raw(graph: GraphBuilder, columns: str, ensemble: Ensemble) -> str:
    """Raw output alone, shape (n_rows, 1), by ONNX Runtime's own tree evaluation.

    Bit for bit that of `add_tree_contributions`.
    """
    numbers = [np.arange(len(tree.left)) for tree in ensemble.trees]
    tree_ids = np.repeat(np.arange(len(numbers)), [len(n) for n in numbers])
    node_ids = np.concatenate(numbers)

    def joined(name: str, dtype: DTypeLike) -> NDArray[np.generic]:
        return np.concatenate([getattr(tree, name) for tree in ensemble.trees]).astype(dtype)

    leaf = joined("left", int) == LEAF
    parts = np.stack(coarse_and_fine(on_grid(joined("value", float)[leaf])), 1)
    sums = graph.node(
        "TreeEnsembleRegressor",
        columns,
        domain=ML,
        n_targets=2,
        aggregate_function="SUM",
        post_transform="NONE",
        base_values=np.hstack(coarse_and_fine(on_grid(np.array([ensemble.base])))),
        nodes_treeids=tree_ids,
        nodes_nodeids=node_ids,
        nodes_modes=["LEAF" if is_leaf else "BRANCH_LT" for is_leaf in leaf],
        nodes_featureids=np.where(leaf, 0, joined("feature", int)),
        nodes_values=joined("threshold", float),
        nodes_truenodeids=np.where(leaf, 0, joined("left", int)),
        nodes_falsenodeids=np.where(leaf, 0, joined("right", int)),
        nodes_missing_value_tracks_true=joined("missing_left", int),
        target_treeids=np.repeat(tree_ids[leaf], 2),
        target_nodeids=np.repeat(node_ids[leaf], 2),
        target_ids=np.tile([0, 1], len(parts)),
        target_weights=parts.ravel(),
    )
    return graph.node("ReduceSum", sums, graph.constant([1], np.int64), keepdims=1)


def add_ensemble(graph: GraphBuilder, columns: str, ensemble: Ensemble) -> str:
    """Append a TreeEnsembleRegressor; returns the raw output, shape (n_rows, 1).

    One for each label is as fast on one row as one for all labels, and on many 1.7 times as fast.

    Parameters
    ----------
    columns : float32 tensor of shape (n_rows, n_columns), NaN for missing
    """
    trees = ensemble.trees
    sizes = [len(tree.feature) for tree in trees]
    feature = np.concatenate([tree.feature for tree in trees])
    leaf = feature == LEAF
    tree_ids = np.repeat(np.arange(len(trees)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])
    left, right = (
        np.where(leaf, 0, np.concatenate([getattr(tree, side) for tree in trees]))
        for side in ("left", "right")
    )
    missing_left = np.concatenate([tree.missing_left for tree in trees])
    values = np.concatenate([tree.value for tree in trees])
    return graph.node(
        "TreeEnsembleRegressor",
        columns,
        domain=ML,
        n_targets=1,
        base_values=[ensemble.base],
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
        target_ids=[0] * int(leaf.sum()),
        target_weights=values[leaf].tolist(),
    )
