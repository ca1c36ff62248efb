"""One array form for the trees of every library, so that graphs and contributions are written once.

A row goes left at a node iff `x[feature] < threshold`, compared in float32, or x is missing (NaN)
and the node sends missing values left. Libraries that use `<=`, double thresholds or read missing
values as zero are converted to this rule such that every float32 value goes the same way (see
"Comparisons are exact, too" in docs/graph.md).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scoreline.core.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

LEAF = -1
LIGHTGBM_ZERO = float(np.float32(1e-35))  # LightGBM reads any |x| up to kZeroThreshold as 0


@dataclass(frozen=True, slots=True)
class Tree:
    """A binary tree in arrays of shape (n_nodes,); node 0 is the root.

    feature : int32, column tested at the node, -1 at a leaf
    threshold : float32, the row goes left iff its value is smaller
    missing_left : bool, whether a missing value goes left
    left, right : int32, child nodes, -1 at a leaf
    value : float64, added to the raw output by a leaf, 0 at inner nodes
    cover : float64, weight of the training rows that reached the node
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]
    cover: NDArray[np.float64]

    def leaf(self, X: NDArray[np.float32]) -> NDArray[np.int32]:
        """The leaf that each row reaches."""
        rows = np.arange(len(X))
        node = np.zeros(len(X), np.int32)
        while (inner := self.left[node] != LEAF).any():
            x = X[rows, self.feature[node]]
            goes_left = (x < self.threshold[node]) | (np.isnan(x) & self.missing_left[node])
            child = np.where(goes_left, self.left[node], self.right[node])
            node = np.where(inner, child, node)
        return node


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Trees whose leaf values add up, with `base`, to the raw output of the model.

    The raw output is the log-odds of default (`link` "logit") or, for a random forest, the
    probability of default itself (`link` "identity").
    """

    trees: Sequence[Tree]
    base: float
    link: Literal["logit", "identity"]

    def raw(self, X: ArrayLike) -> NDArray[np.float64]:
        """Raw output per row of X, (n_rows, n_columns) read as float32; summed in float64."""
        rows = np.asarray(X, np.float32)
        return sum(
            (tree.value[tree.leaf(rows)] for tree in self.trees), np.full(len(rows), self.base)
        )


def depth_of(tree: Tree) -> int:
    """Levels below the root; children have numbers above their parent's in every library."""
    level = np.zeros(len(tree.left), int)
    for node in np.flatnonzero(tree.left != LEAF):
        level[[tree.left[node], tree.right[node]]] = level[node] + 1
    return int(level.max())


def read_ensemble(estimator: object) -> Ensemble:
    """Trees of a fitted binary classifier of XGBoost, LightGBM, scikit-learn or our scorecard.

    Raises
    ------
    ExportError
        The estimator is of another type, or uses an option that the array form cannot express.
    """
    for cls in type(estimator).__mro__:
        if cls.__name__ in _READERS:
            return _READERS[cls.__name__](estimator)
    known = ", ".join(_READERS)
    raise ExportError(f"{type(estimator).__name__}: no tree reader; one of {known} is needed")


def below_or_equal(threshold: ArrayLike) -> NDArray[np.float32]:
    """Float32 t with `x < t` iff `x <= threshold`, for every float32 x and double threshold."""
    exact = np.asarray(threshold, np.float64)
    with np.errstate(over="ignore"):  # thresholds beyond float32 correctly become infinite
        rounded = exact.astype(np.float32)
        down = np.nextafter(rounded, np.float32(-np.inf))
        floor = np.where(rounded.astype(np.float64) > exact, down, rounded)
        return np.nextafter(floor, np.float32(np.inf))


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise ExportError(reason)


def _read_xgboost(estimator: Any) -> Ensemble:
    booster = estimator.get_booster()
    learner = json.loads(booster.save_raw("json"))["learner"]
    objective, boosting = learner["objective"]["name"], learner["gradient_booster"]
    _require(
        boosting["name"] == "gbtree", f"XGBoost booster {boosting['name']}: only gbtree exports"
    )
    _require(objective == "binary:logistic", f"XGBoost objective {objective}: use binary:logistic")
    _require(bool(np.isnan(estimator.missing)), "XGBoost missing: only NaN may mean missing")
    model = boosting["model"]
    _require("weight_drop" not in model, "XGBoost dropout (dart, rate_drop): trees have weights")
    base_score = json.loads(learner["learner_model_param"]["base_score"])
    probability = float(np.float32(base_score[0] if isinstance(base_score, list) else base_score))
    last = booster.attr("best_iteration")
    n_trees = model["iteration_indptr"][int(last) + 1 if last is not None else -1]
    trees = [_xgboost_tree(tree) for tree in model["trees"][:n_trees]]
    return Ensemble(trees, log(probability / (1 - probability)), "logit")


def _xgboost_tree(tree: dict[str, Any]) -> Tree:
    _require(
        not any(tree["split_type"]), "XGBoost categorical splits: encode categories as numbers"
    )
    _require(tree["tree_param"]["size_leaf_vector"] in ("0", "1"), "XGBoost multi-output trees")
    left = np.array(tree["left_children"], np.int32)
    is_leaf = left == LEAF
    condition = np.array(tree["split_conditions"], np.float32)
    return Tree(
        feature=np.where(is_leaf, LEAF, tree["split_indices"]).astype(np.int32),
        threshold=np.where(is_leaf, np.float32(0), condition),
        missing_left=np.array(tree["default_left"], bool) & ~is_leaf,
        left=left,
        right=np.array(tree["right_children"], np.int32),
        value=np.where(is_leaf, condition, 0).astype(np.float64),
        cover=np.array(tree["sum_hessian"], np.float64),
    )


def _read_lightgbm(estimator: Any) -> Ensemble:
    model = estimator.booster_.dump_model()  # ends at the best iteration
    parameters = estimator.booster_.params
    objective = model["objective"]
    _require(objective == "binary sigmoid:1", f"LightGBM objective {objective}: use binary")
    _require(not model["average_output"], "LightGBM boosting rf averages its trees: use gbdt")
    _require(not parameters.get("linear_tree"), "LightGBM linear_tree: leaves must be constant")
    return Ensemble([_lightgbm_tree(t["tree_structure"]) for t in model["tree_info"]], 0.0, "logit")


def _lightgbm_tree(root: dict[str, Any]) -> Tree:
    nodes = [root]
    left, right = [], []
    for node in nodes:  # breadth first: children are appended during the loop
        _require("leaf_coeff" not in node, "LightGBM linear_tree: leaves must be constant")
        is_leaf = "left_child" not in node
        left.append(LEAF if is_leaf else len(nodes))
        right.append(LEAF if is_leaf else len(nodes) + 1)
        if not is_leaf:
            nodes += [node["left_child"], node["right_child"]]
    splits = [_lightgbm_split(node) for node in nodes]
    return Tree(
        feature=np.array([node.get("split_feature", LEAF) for node in nodes], np.int32),
        threshold=np.array([threshold for threshold, _ in splits], np.float32),
        missing_left=np.array([missing_left for _, missing_left in splits], bool),
        left=np.array(left, np.int32),
        right=np.array(right, np.int32),
        value=np.array([node.get("leaf_value", 0.0) for node in nodes], np.float64),
        cover=np.array(
            [n.get("internal_count", n.get("leaf_count", 1)) for n in nodes], np.float64
        ),
    )


def _lightgbm_split(node: dict[str, Any]) -> tuple[np.float32, bool]:
    """Threshold and direction of missing values; LightGBM's Tree::NumericalDecision."""
    if "left_child" not in node:
        return np.float32(0), False
    _require(
        node["decision_type"] == "<=", "LightGBM categorical splits: encode categories as numbers"
    )
    _require(node["missing_type"] != "Zero", "LightGBM zero_as_missing: missing must be NaN")
    threshold = float(node["threshold"])
    missing_left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0
    if -LIGHTGBM_ZERO <= threshold < 0:  # values read as 0 go right
        return np.float32(-LIGHTGBM_ZERO), missing_left
    if 0 <= threshold < LIGHTGBM_ZERO:  # values read as 0 go left
        threshold = LIGHTGBM_ZERO
    return np.float32(below_or_equal(threshold)), missing_left


def _read_random_forest(estimator: Any) -> Ensemble:
    _require_binary(estimator)
    _require(estimator.n_outputs_ == 1, "RandomForestClassifier: one target only")
    weight = 1 / len(estimator.estimators_)
    trees = [_sklearn_tree(t.tree_, t.tree_.value[:, 0, 1] * weight) for t in estimator.estimators_]
    return Ensemble(trees, 0.0, "identity")


def _read_gradient_boosting(estimator: Any) -> Ensemble:
    _require_binary(estimator)
    _require(estimator.loss == "log_loss", f"GradientBoosting loss {estimator.loss}: use log_loss")
    rate = estimator.learning_rate
    trees = [t.tree_ for t in estimator.estimators_[:, 0]]
    return Ensemble(
        [_sklearn_tree(tree, tree.value[:, 0, 0] * rate) for tree in trees],
        _prior_log_odds(estimator.init_),
        "logit",
    )


def _prior_log_odds(init: Any) -> float:
    if isinstance(init, str):  # "zero"
        return 0.0
    _require(
        getattr(init, "strategy", None) == "prior", "GradientBoosting init: only prior or zero"
    )
    epsilon = float(np.finfo(np.float64).eps)
    probability = min(max(float(init.class_prior_[1]), epsilon), 1 - epsilon)
    return log(probability / (1 - probability))


def _require_binary(estimator: Any) -> None:
    n_classes = getattr(estimator, "n_classes_", 2)
    _require(n_classes == 2, f"{type(estimator).__name__}: two classes only, got {n_classes}")


def _sklearn_tree(tree: Any, value: NDArray[np.float64]) -> Tree:
    left = tree.children_left.astype(np.int32)
    is_leaf = left == LEAF
    return Tree(
        feature=np.where(is_leaf, LEAF, tree.feature).astype(np.int32),
        threshold=np.where(is_leaf, np.float32(0), below_or_equal(tree.threshold)),
        missing_left=tree.missing_go_to_left.astype(bool) & ~is_leaf,
        left=left,
        right=tree.children_right.astype(np.int32),
        value=np.where(is_leaf, value, 0.0),
        cover=tree.weighted_n_node_samples.astype(np.float64),
    )


_READERS: dict[str, Callable[[Any], Ensemble]] = {
    "XGBClassifier": _read_xgboost,
    "LGBMClassifier": _read_lightgbm,
    "RandomForestClassifier": _read_random_forest,
    "GradientBoostingClassifier": _read_gradient_boosting,
    "WoeScorecard": lambda scorecard: scorecard.ensemble(),
}
