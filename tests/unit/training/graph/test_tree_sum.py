"""The sum of trees from bits equals that of walking the trees, for every library and value."""

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.training.graph.test_trees import (
    MAKERS,
    N_COLUMNS,
    hard_values,
    takes_missing,
    training_rows,
)
from training.graph import tree_sum as bits
from training.graph.builder import GraphBuilder
from training.graph.tree_ensemble import add_exact_tree_ensemble
from training.graph.tree_sum import add_tree_sum
from training.graph.trees import Ensemble, Tree, read_ensemble


def sums(ensemble, X):
    """Raw output from bits, and by ONNX Runtime walking the same trees."""
    X = np.asarray(X, np.float32)
    graph = GraphBuilder()
    outputs = {
        "bits": (add_tree_sum(graph, graph.transposed("X"), ensemble, X.shape[1]), 1),
        "walked": (add_exact_tree_ensemble(graph, "X", ensemble), 1),
    }
    model = graph.model({"X": X.shape[1]}, outputs)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"X": X})


def tree(depth, values, *, missing_left=False):
    """A perfect tree that tests column 0 < 1, 2, 3... and has these leaves, from left to right."""
    n_inner = 2**depth - 1
    nodes = np.arange(2 * n_inner + 1)
    is_leaf = nodes >= n_inner
    return Tree(
        feature=np.where(is_leaf, -1, 0).astype(np.int32),
        threshold=np.where(is_leaf, 0, nodes + 1).astype(np.float32),
        missing_left=np.where(is_leaf, False, missing_left),
        left=np.where(is_leaf, -1, 2 * nodes + 1).astype(np.int32),
        right=np.where(is_leaf, -1, 2 * nodes + 2).astype(np.int32),
        value=np.concatenate([np.zeros(n_inner), values]),
        cover=np.ones(len(nodes)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_trees_of_every_library(maker):
    estimator = maker()
    ensemble = read_ensemble(estimator)
    missing = takes_missing(estimator)
    values = hard_values(ensemble, missing=missing)
    rows = np.random.default_rng(3).choice(values, (3000, N_COLUMNS))
    rows[:300] = training_rows(300, missing=missing, seed=3)[0]

    found, walked = sums(ensemble, rows)

    assert np.array_equal(found, walked)


@pytest.mark.slow
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6, 9])
@pytest.mark.parametrize("missing_left", [False, True])
@pytest.mark.parametrize("count", [1, 40])
def test_every_depth_by_hand(depth, missing_left, count):
    # Tests 0 < x < ... of a perfect tree over one column: below 1 is the first leaf, beyond all the
    # last, and a missing value goes to one of the two.
    # Many equal trees have fewer distinct conditions than nodes, so their bits are weighted first.
    alike = [tree(depth, np.arange(2**depth), missing_left=missing_left)] * count
    ensemble = Ensemble(alike, 0.5, "logit")

    found, _ = sums(ensemble, [[0], [1000], [np.nan]])

    last = count * (2**depth - 1) + 0.5
    assert found[:, 0].tolist() == [0.5, last, 0.5 if missing_left else last]


@pytest.mark.long
@pytest.mark.slow
@given(
    depths=st.lists(st.integers(0, 6), min_size=1, max_size=8),
    seed=st.integers(0, 2**32 - 1),
    block=st.sampled_from([1, 8, 800]),
)
def test_drawn_trees_of_mixed_depths(depths, seed, block):
    rng = np.random.default_rng(seed)
    trees = [tree(d, rng.normal(size=2**d), missing_left=bool(rng.integers(2))) for d in depths]
    rows = np.append(rng.uniform(-1, 70, 40).round(), np.nan)[:, None]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bits, "TREES_PER_BLOCK", block)
        found, walked = sums(Ensemble(trees, 0.25, "logit"), rows)

    assert np.array_equal(found, walked)
