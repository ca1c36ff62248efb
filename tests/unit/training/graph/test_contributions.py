"""The graph's contributions equal TreeSHAP's, for every library and every float32 value."""

import warnings
from itertools import permutations

import lightgbm as lgb
import numpy as np
import onnxruntime
import pytest
import shap
import xgboost as xgb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoreline.core.errors import ExportError
from tests.unit.training.graph.test_trees import (
    MAKERS,
    N_COLUMNS,
    gradient_boosting,
    hard_values,
    lightgbm,
    native_raw,
    takes_missing,
    training_rows,
    xgboost,
)
from training.graph import contributions
from training.graph import shapley_tables as shapley
from training.graph.blocks import kinds
from training.graph.blocks.cuts import blocks_of
from training.graph.builder import GraphBuilder
from training.graph.contributions import add_tree_contributions
from training.graph.tree_ensemble import add_exact_tree_ensemble
from training.graph.tree_sum import add_tree_sum
from training.graph.trees import Ensemble, Tree, read_ensemble

EACH_ITSELF = list(range(N_COLUMNS))


class Scorer:
    """A session of both contributions graphs and the tree graph, one thread."""

    def __init__(self, ensemble, source_of_column=EACH_ITSELF, n_sources=N_COLUMNS):
        graph = GraphBuilder()
        added = add_tree_contributions(graph, "X", ensemble, source_of_column, n_sources)
        many = add_tree_contributions(
            graph, graph.transposed("X"), ensemble, source_of_column, n_sources, many_rows=True
        )
        turned, n_columns = graph.transposed("X"), len(source_of_column)
        outputs = {
            "raw": (added.raw, 1),
            "contributions": (added.contributions, n_sources),
            "raw_of_ensemble": (add_exact_tree_ensemble(graph, "X", ensemble), 1),
            "raw_of_many": (many.raw or add_tree_sum(graph, turned, ensemble, n_columns), 1),
            "contributions_of_many": (many.contributions, n_sources),
        }
        self.expected_raw = added.expected_raw
        assert many.expected_raw == added.expected_raw
        model = graph.model({"X": len(source_of_column)}, outputs)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options)

    def outputs(self, X):
        return self.session.run(None, {"X": np.asarray(X, np.float32)})

    def run(self, X):
        """Raw output, equal in all three graphs, and contributions, which two graphs share."""
        raw, contributions, tree, raw_of_many, of_many = self.outputs(X)
        assert np.array_equal(raw, tree)
        assert np.array_equal(raw, raw_of_many)
        assert contributions == pytest.approx(of_many, abs=5e-6)
        return raw[:, 0], contributions


@pytest.fixture(scope="module", params=MAKERS, ids=lambda maker: maker.__name__)
def model(request):
    estimator = request.param()
    ensemble = read_ensemble(estimator)
    return estimator, ensemble, Scorer(ensemble)


def tree_by_hand():
    """Column 0 < 2 ? (column 1 < 5 ? 10 : 20) : 40, of 8 rows 6 on the left, of those 2 at 10."""
    return Tree(
        feature=np.array([0, 1, -1, -1, -1], np.int32),
        threshold=np.array([2, 5, 0, 0, 0], np.float32),
        missing_left=np.array([True, False, False, False, False]),
        left=np.array([1, 3, -1, -1, -1], np.int32),
        right=np.array([2, 4, -1, -1, -1], np.int32),
        value=np.array([0, 0, 40.0, 10, 20]),
        cover=np.array([8.0, 6, 2, 2, 4]),
    )


def test_one_tree_by_hand():
    # Known columns decide the path; unknown ones are averaged by cover. For the row (1, 1):
    #   nothing known    6/8 (2/6 10 + 4/6 20) + 2/8 40 = 6/8 50/3 + 10 = 22.5
    #   column 0 known   2/6 10 + 4/6 20                = 50/3
    #   column 1 known   6/8 10 + 2/8 40                = 17.5
    #   both known       10
    # column 0: ((50/3 - 22.5) + (10 - 17.5)) / 2 = -20/3
    # column 1: ((17.5 - 22.5) + (10 - 50/3)) / 2 = -35/6       (sum -12.5 = 10 - 22.5)
    scorer = Scorer(Ensemble([tree_by_hand()], 0.5, "logit"), [0, 1], 2)

    raw, contributions = scorer.run([[1, 1]])

    assert scorer.expected_raw == pytest.approx(23)
    assert raw == pytest.approx([10.5])
    assert contributions[0] == pytest.approx([-20 / 3, -35 / 6], abs=1e-5)


def test_a_missing_value_goes_where_the_node_sends_it():
    scorer = Scorer(Ensemble([tree_by_hand()], 0, "logit"), [0, 1], 2)

    raw, _ = scorer.run([[np.nan, 1], [np.nan, np.nan], [1, np.nan], [2, np.nan]])

    assert raw.tolist() == [10, 20, 20, 40]


def expected_given(tree, node, row, known):
    """Expectation by cover of the tree's value when only the `known` columns are known."""
    if tree.left[node] < 0:
        return tree.value[node]
    left, right, column = tree.left[node], tree.right[node], tree.feature[node]
    if column in known:
        x = row[column]
        goes_left = tree.missing_left[node] if np.isnan(x) else x < tree.threshold[node]
        return expected_given(tree, left if goes_left else right, row, known)
    parts = [tree.cover[n] * expected_given(tree, n, row, known) for n in (left, right)]
    return sum(parts) / tree.cover[node]


def shapley_by_definition(ensemble, row):
    """Average over all orders of what learning a column changes."""
    orders = list(permutations(range(N_COLUMNS)))
    phi = np.zeros(N_COLUMNS)
    for tree in ensemble.trees:
        value = {}
        for order in orders:
            for k in range(N_COLUMNS + 1):
                known = frozenset(order[:k])
                if known not in value:
                    value[known] = expected_given(tree, 0, row, known)
                if k:
                    phi[order[k - 1]] += value[known] - value[frozenset(order[: k - 1])]
    return phi / len(orders)


def test_contributions_equal_the_definition_with_columns_repeated_on_a_path():
    X, y = training_rows()
    estimator = xgb.XGBClassifier(n_estimators=2, max_depth=7, n_jobs=1, min_child_weight=0)
    ensemble = read_ensemble(estimator.fit(X, y))
    scorer = Scorer(ensemble)
    rows = training_rows(6, seed=3)[0]

    raw, contributions = scorer.run(rows)

    by_definition = [shapley_by_definition(ensemble, row) for row in rows]
    assert contributions == pytest.approx(np.array(by_definition), abs=1e-6)
    assert raw == pytest.approx(ensemble.raw(rows), abs=1e-6)


def test_contributions_equal_those_of_xgboost():
    estimator = xgboost()
    ensemble = read_ensemble(estimator)
    scorer = Scorer(ensemble)
    hard = np.random.default_rng(2).choice(hard_values(ensemble), (500, N_COLUMNS))
    X = np.vstack([training_rows(500, seed=1)[0], hard])

    native = estimator.get_booster().predict(xgb.DMatrix(X), pred_contribs=True)
    raw, contributions = scorer.run(X)

    assert contributions == pytest.approx(native[:, :-1], abs=1e-5)
    assert scorer.expected_raw == pytest.approx(native[0, -1], abs=1e-5)
    assert raw == pytest.approx(native_raw(estimator, X), abs=1e-5)


@pytest.mark.slow
def test_contributions_to_more_sources_than_a_row_of_a_section_has_room_for():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(3000, 40)).astype(np.float32)
    estimator = xgb.XGBClassifier(n_estimators=20, max_depth=4, n_jobs=1)
    ensemble = read_ensemble(estimator.fit(X, X @ rng.normal(size=40) > 0))
    scorer = Scorer(ensemble, range(40), 40)

    native = estimator.get_booster().predict(xgb.DMatrix(X[:500]), pred_contribs=True)
    raw, contributions = scorer.run(X[:500])

    assert contributions == pytest.approx(native[:, :-1], abs=1e-5)
    assert raw == pytest.approx(ensemble.raw(X[:500]), abs=1e-6)


def test_contributions_with_more_rows_in_a_table_than_a_byte_can_number():
    rng = np.random.default_rng(5)
    X = (rng.random((4000, 10)) < 0.8).astype(np.float32)
    estimator = xgb.XGBClassifier(n_estimators=3, max_depth=10, n_jobs=1, min_child_weight=0)
    ensemble = read_ensemble(estimator.fit(X, X.all(1)))
    scorer = Scorer(ensemble, range(10), 10)

    native = estimator.get_booster().predict(xgb.DMatrix(X[:500]), pred_contribs=True)
    raw, contributions = scorer.run(X[:500])

    assert max(group.n_rows for group in shapley.groups_of(ensemble, 48)) > 256
    assert contributions == pytest.approx(native[:, :-1], abs=1e-5)
    assert raw == pytest.approx(ensemble.raw(X[:500]), abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("num_leaves", [12, 31])
def test_contributions_equal_those_of_lightgbm(num_leaves):
    estimator = lightgbm().set_params(num_leaves=num_leaves, min_child_samples=2)
    ensemble = read_ensemble(estimator.fit(*training_rows()))
    scorer = Scorer(ensemble)
    hard = np.random.default_rng(2).choice(hard_values(ensemble), (500, N_COLUMNS))
    X = np.vstack([training_rows(500, seed=1)[0], hard])

    native = estimator.booster_.predict(X, pred_contrib=True)
    raw, contributions = scorer.run(X)

    assert contributions == pytest.approx(native[:, :-1], abs=1e-5)
    assert scorer.expected_raw == pytest.approx(native[0, -1], abs=1e-5)
    assert raw == pytest.approx(native_raw(estimator, X), abs=1e-5)


def shap_values(estimator, X):
    """Contributions and expected value by shap.TreeExplainer, path-dependent, for default."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # shap's own deprecations and notes on LightGBM's output
        explainer = shap.TreeExplainer(estimator, feature_perturbation="tree_path_dependent")
        values = np.asarray(explainer.shap_values(X, check_additivity=False))
    return values[..., 1] if values.ndim == 3 else values, np.ravel(explainer.expected_value)[-1]


@pytest.mark.slow
def test_contributions_equal_those_of_tree_explainer(model):
    estimator, _, scorer = model
    X, _ = training_rows(200, missing=takes_missing(estimator), seed=1)

    values, expected = shap_values(estimator, X)
    _, contributions = scorer.run(X)

    assert contributions == pytest.approx(values, abs=1e-5)
    assert scorer.expected_raw == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_raw_is_exact_and_contributions_add_up_on_drawn_rows(model, data):
    estimator, ensemble, scorer = model
    values = hard_values(ensemble, missing=takes_missing(estimator)).tolist()
    value = st.one_of(st.sampled_from(values), st.floats(width=32))  # including infinity and NaN
    row = st.lists(value, min_size=N_COLUMNS, max_size=N_COLUMNS)
    X = np.array(data.draw(st.lists(row, min_size=1, max_size=8)), np.float32)

    raw, contributions = scorer.run(X)

    assert raw == pytest.approx(ensemble.raw(X), abs=1e-6)
    assert contributions.sum(1) + scorer.expected_raw == pytest.approx(raw, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_a_row_is_the_same_alone_and_in_any_batch(model, size):
    estimator, _, scorer = model
    X, _ = training_rows(1000, missing=takes_missing(estimator), seed=4)

    whole = scorer.outputs(X)
    parts = [scorer.outputs(X[i : i + size]) for i in range(0, 1000, size)]

    assert all(
        np.array_equal(output, np.concatenate(part))
        for output, *part in zip(whole, *parts, strict=True)
    )


@pytest.mark.slow
def test_blocks_of_any_size_give_the_same_sums(monkeypatch):
    monkeypatch.setattr(contributions, "GROUPS_PER_BLOCK", 5)
    X, _ = training_rows(300, seed=1)

    scorer = Scorer(read_ensemble(xgboost()))

    scorer.run(X)  # asserts that the form for many rows agrees with the other


@pytest.mark.slow
def test_columns_of_one_source_are_summed():
    ensemble = read_ensemble(xgboost())
    X, _ = training_rows(100, seed=1)

    _, each = Scorer(ensemble).run(X)
    raw, summed = Scorer(ensemble, [2, 0, 0, 1, 0], 4).run(X)

    by_hand = np.stack([each[:, [1, 2, 4]].sum(1), each[:, 3], each[:, 0], 0 * each[:, 0]], 1)
    assert summed == pytest.approx(by_hand, abs=1e-6)
    assert raw == pytest.approx(ensemble.raw(X), abs=1e-6)


@pytest.mark.slow
def test_a_tree_without_a_split_moves_the_expected_value_only():
    ensemble = read_ensemble(gradient_boosting())
    stump = Tree(
        feature=np.array([-1], np.int32),
        threshold=np.zeros(1, np.float32),
        missing_left=np.zeros(1, bool),
        left=np.array([-1], np.int32),
        right=np.array([-1], np.int32),
        value=np.array([0.125]),
        cover=np.ones(1),
    )
    X, _ = training_rows(50, missing=False)

    plain = Scorer(ensemble)
    moved = Scorer(Ensemble([stump, *ensemble.trees], ensemble.base, "logit"))

    assert moved.expected_raw == pytest.approx(plain.expected_raw + 0.125)
    assert moved.run(X)[0] == pytest.approx(plain.run(X)[0] + 0.125, abs=1e-6)
    assert moved.run(X)[1] == pytest.approx(plain.run(X)[1], abs=1e-6)
    with pytest.raises(ExportError, match="constant"):
        Scorer(Ensemble([stump], 0, "logit"))


def test_tables_over_the_limit_are_refused(monkeypatch):
    monkeypatch.setattr(contributions, "MAX_GROUP_BYTES", 20_000)
    monkeypatch.setattr(kinds, "MAX_TABLE_BYTES", 20_000)

    with pytest.raises(ExportError, match=r"contributions need .* MB .* lower max_depth"):
        Scorer(read_ensemble(xgboost()))


@pytest.mark.slow
@pytest.mark.parametrize("many_rows", [False, True])
@pytest.mark.parametrize(
    ("depth", "megabytes"), [(4, 3), pytest.param(6, 50, marks=pytest.mark.long)]
)
def test_300_trees_of_17_columns(depth, megabytes, many_rows):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 17)).astype(np.float32)
    X[rng.random(X.shape) < 0.05] = np.nan
    y = np.nan_to_num(X[:, 0] * X[:, 1] + X[:, 2:].sum(1) / 4) + rng.logistic(size=len(X)) > 1
    estimator = xgb.XGBClassifier(n_estimators=300, max_depth=depth, n_jobs=2).fit(X, y)
    ensemble = read_ensemble(estimator)
    graph = GraphBuilder()
    added = add_tree_contributions(
        graph,
        graph.transposed("X") if many_rows else "X",
        ensemble,
        range(17),
        17,
        many_rows=many_rows,
    )
    raw_output = added.raw or add_tree_sum(graph, graph.transposed("X"), ensemble, 17)
    content = graph.model(
        {"X": 17}, {"raw": (raw_output, 1), "contributions": (added.contributions, 17)}
    ).SerializeToString()

    session = onnxruntime.InferenceSession(content)
    raw, contributions = session.run(None, {"X": X[:2000]})
    alone = [session.run(None, {"X": X[i : i + 1]}) for i in range(200)]

    native = estimator.get_booster().predict(xgb.DMatrix(X[:2000]), pred_contribs=True)
    assert len(content) < megabytes * 1e6
    assert np.array_equal(raw[:200], np.concatenate([row[0] for row in alone]))
    assert np.array_equal(contributions[:200], np.concatenate([row[1] for row in alone]))
    assert np.abs(contributions - native[:, :-1]).max() < 1e-5
    assert np.abs(raw[:, 0] - ensemble.raw(X[:2000])).max() < 1e-6


@pytest.fixture
def blocks_only(monkeypatch):
    monkeypatch.setattr(contributions, "MAX_GROUP_BYTES", 0)


@pytest.mark.usefixtures("blocks_only")
def test_blocks_equal_the_definition_with_columns_repeated_on_a_path():
    X, y = training_rows()
    estimator = xgb.XGBClassifier(n_estimators=2, max_depth=9, n_jobs=1, min_child_weight=0)
    ensemble = read_ensemble(estimator.fit(X, y))
    rows = training_rows(4, seed=3)[0]

    raw, found = Scorer(ensemble).run(rows)

    by_definition = [shapley_by_definition(ensemble, row) for row in rows]
    assert found == pytest.approx(np.array(by_definition), abs=1e-6)
    assert raw == pytest.approx(ensemble.raw(rows), abs=1e-6)


def chains(n_columns):
    """Rows of two values, and LightGBM's trees that test one column after the other."""
    rng = np.random.default_rng(7)
    X = (rng.random((6000, n_columns)) < 0.93).astype(np.float32)
    X[rng.random(X.shape) < 0.02] = np.nan
    y = np.nan_to_num(X, nan=1).all(1) ^ (rng.random(len(X)) < 0.02)
    settings = {"n_estimators": 4, "num_leaves": 60, "min_child_samples": 1, "max_depth": -1}
    return X, lgb.LGBMClassifier(**settings, n_jobs=1, verbose=-1).fit(X, y)


@pytest.mark.slow
def test_contributions_of_chains_of_many_columns():
    X, estimator = chains(30)
    ensemble = read_ensemble(estimator)
    scorer = Scorer(ensemble, range(30), 30)
    rows = np.vstack([X[:200], np.full((1, 30), np.nan), np.full((1, 30), 3e38)])

    native = estimator.booster_.predict(rows, pred_contrib=True)
    _, found = scorer.run(rows)
    alone = [scorer.outputs(rows[i : i + 1]) for i in range(30)]

    most = max(len(b.leaves[0].tests) for t in ensemble.trees for b in blocks_of(t))
    assert most > 12
    assert found == pytest.approx(native[:, :-1], abs=1e-6)
    assert scorer.expected_raw == pytest.approx(native[0, -1], abs=1e-6)
    whole = scorer.outputs(rows)
    for k, output in enumerate(whole):
        assert np.array_equal(output[:30], np.concatenate([row[k] for row in alone]))


@pytest.mark.slow
@pytest.mark.usefixtures("blocks_only")
def test_blocks_of_every_library_equal_tree_explainer(model):
    estimator, ensemble, _ = model
    X, _ = training_rows(100, missing=takes_missing(estimator), seed=1)
    scorer = Scorer(ensemble)

    values, expected = shap_values(estimator, X)
    _, found = scorer.run(X)
    alone = [scorer.outputs(X[i : i + 1]) for i in range(30)]

    assert found == pytest.approx(values, abs=1e-5)
    assert scorer.expected_raw == pytest.approx(expected, abs=1e-5)
    for k, output in enumerate(scorer.outputs(X)):
        assert np.array_equal(output[:30], np.concatenate([row[k] for row in alone]))
    _, summed = Scorer(ensemble, [2, 0, 0, 1, 0], 4).run(X)
    by_hand = np.stack([found[:, [1, 2, 4]].sum(1), found[:, 3], found[:, 0], 0 * found[:, 0]], 1)
    assert summed == pytest.approx(by_hand, abs=2e-6)
