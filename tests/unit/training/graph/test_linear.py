"""The graph's linear contributions are those of shap.LinearExplainer."""

import numpy as np
import onnxruntime
import pytest
import shap
from sklearn.linear_model import LogisticRegression

from training.graph.builder import GraphBuilder
from training.graph.linear import add_linear_contributions


def scorer(coefficients, means, intercept, source_of_column, n_sources):
    graph = GraphBuilder()
    added = add_linear_contributions(
        graph, "X", coefficients, means, intercept, source_of_column, n_sources
    )
    outputs = {"raw": (added.raw, 1), "contributions": (added.contributions, n_sources)}
    content = graph.model({"X": len(coefficients)}, outputs).SerializeToString()
    session = onnxruntime.InferenceSession(content)
    return added.expected_raw, lambda X: session.run(None, {"X": np.asarray(X, np.float32)})


def test_by_hand():
    # 2 (3 - 1) = 4 for source 1; -1 (5 - 2) + 0.5 (0 - 4) = -5 for source 0
    # expected 0.25 + 2 * 1 - 1 * 2 + 0.5 * 4 = 2.25; raw = 2.25 + 4 - 5 = 1.25
    expected, score = scorer([2, -1, 0.5], [1, 2, 4], 0.25, [1, 0, 0], 3)

    raw, contributions = score([[3, 5, 0]])

    assert expected == 2.25
    assert raw.tolist() == [[1.25]]
    assert contributions.tolist() == [[-5, 4, 0]]


def credit_like(n_columns, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(1000, n_columns)).astype(np.float32)
    X[:, n_columns // 2 :] = X[:, n_columns // 2 :] > 0.5
    y = X[:, :3].sum(1) + rng.logistic(size=1000) > 0
    return X, LogisticRegression(max_iter=1000).fit(X, y)


def test_equals_linear_explainer_and_the_decision_function():
    X, model = credit_like(12)
    expected, score = scorer(
        model.coef_[0], X.mean(0, np.float64), model.intercept_[0], range(12), 12
    )

    raw, contributions = score(X)

    masker = shap.maskers.Independent(X.astype(np.float64), max_samples=len(X))
    explainer = shap.LinearExplainer(model, masker)
    assert contributions == pytest.approx(explainer.shap_values(X), abs=1e-6)
    assert expected == pytest.approx(explainer.expected_value, abs=1e-6)
    assert raw[:, 0] == pytest.approx(model.decision_function(X), abs=2e-6)
    assert contributions.sum(1) + expected == pytest.approx(raw[:, 0], abs=2e-6)


@pytest.mark.parametrize("size", [1, 2, 7, 64])
@pytest.mark.parametrize("n_columns", [3, 17, 64, 200])
def test_a_row_is_the_same_alone_and_in_any_batch(n_columns, size):
    X, model = credit_like(n_columns)
    n_sources = max(1, n_columns // 3)
    source_of_column = np.sort(np.arange(n_columns) % n_sources)
    _, score = scorer(model.coef_[0], X.mean(0), model.intercept_[0], source_of_column, n_sources)

    whole = score(X)
    parts = [score(X[i : i + size]) for i in range(0, len(X), size)]

    assert all(np.array_equal(whole[k], np.concatenate([p[k] for p in parts])) for k in (0, 1))
