"""A recommendation is trained, passes the parity gate, and answers like the fitted models."""

import json
from functools import cache

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoreline.core.errors import (
    DatasetError,
    DefinitionError,
    ParityError,
)
from scoreline.core.features import UNSEEN_CATEGORY
from scoreline.scoring.many_rows import open_session
from scoreline.scoring.model import ScoringModel
from tests import shop
from training.compare_algorithms import with_algorithms
from training.data.load import load_dataset
from training.export.recommendation_graph import multilabel_graph
from training.export.recommendation_parity import check_label_parity
from training.fit.calibration import sigmoid
from training.fit.multilabel import fit_labels
from training.train import train

pytestmark = pytest.mark.slow

ALGORITHMS = {
    "xgboost": "n_estimators = 20, max_depth = 3",
    "lightgbm": "n_estimators = 20",
    "gradient_boosting": "n_estimators = 20",
    "random_forest": "n_estimators = 20, max_depth = 4",
}
every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    shop.customers(700).to_parquet(folder / "data.parquet")

    @cache
    def make(algorithm):
        old = 'name = "xgboost"\nparameters = { n_estimators = 20, max_depth = 3 }'
        new = f'name = "{algorithm}"\nparameters = {{ {ALGORITHMS[algorithm]} }}'
        assert old in shop.DEFINITION
        definition = shop.definition(folder, shop.DEFINITION.replace(old, new))
        dataset = load_dataset(definition, str(folder / "data.parquet"))
        model = fit_labels(definition, dataset.take(np.arange(500)))
        contract = definition.contract()
        graph = multilabel_graph(model, contract)
        return model, contract, graph, dataset.X[500:]

    return make


EDGES = [float("nan"), np.inf, -np.inf, 0.0, -0.0, -99.0, UNSEEN_CATEGORY, 1e-38]
amounts = st.one_of(st.sampled_from(EDGES), st.floats(-1e6, 1e6, width=32))
codes = st.sampled_from([float("nan"), UNSEEN_CATEGORY, 0.0, 1.0, 2.0])
rows = st.lists(st.tuples(amounts, amounts, codes, codes), min_size=1, max_size=40)


@every_algorithm
@given(drawn=rows)
@settings(max_examples=40)
def test_graph_and_fitted_models_agree_on_drawn_rows(fitted, algorithm, drawn):
    model, _, graph, _ = fitted(algorithm)
    X = np.array(drawn, np.float32)

    [found] = open_session(graph.SerializeToString()).run(["probabilities"], {"X": X})

    np.testing.assert_allclose(found, sigmoid(model.log_odds(X)), atol=1e-5)


@every_algorithm
def test_the_gate_holds_every_kind_of_row(fitted, algorithm):
    model, contract, graph, held_out = fitted(algorithm)

    parity = check_label_parity(model, contract, open_session(graph.SerializeToString()), held_out)

    assert max(parity.online, parity.batch, parity.witness) <= 1e-5
    assert all(parity.rows.values()), parity.rows


@every_algorithm
def test_a_row_alone_and_in_a_batch_have_the_same_answer(fitted, algorithm):
    _, _, graph, held_out = fitted(algorithm)
    session = open_session(graph.SerializeToString())

    [together] = session.run(["probabilities"], {"X": held_out})
    alone = [session.run(["probabilities"], {"X": held_out[i : i + 1]})[0] for i in range(60)]

    np.testing.assert_array_equal(np.concatenate(alone), together[:60])


def test_a_spoilt_leaf_of_one_product_is_caught(fitted):
    model, contract, graph, held_out = fitted("xgboost")
    spoilt = onnx.ModelProto()
    spoilt.CopyFrom(graph)
    trees = next(node for node in spoilt.graph.node if node.op_type == "TreeEnsembleRegressor")
    [weights] = [a for a in trees.attribute if a.name == "target_weights"]
    weights.floats[0] += 0.05

    with pytest.raises(ParityError, match=r"online graph differs .* held-out rows"):
        check_label_parity(model, contract, open_session(spoilt.SerializeToString()), held_out)


def test_few_owners_give_their_rate(fitted):
    model, contract, graph, held_out = fitted("xgboost")
    position = [label.name for label in contract.labels].index("mortgage")

    [found] = open_session(graph.SerializeToString()).run(["probabilities"], {"X": held_out})

    # two of the first 500 customers own it
    assert model.models[position] is None
    np.testing.assert_allclose(found[:, position], 2.5 / 501, rtol=1e-5)


def test_uninformative_features_leave_nothing_to_train(tmp_path):
    frame = shop.customers(300)
    noise = frame.assign(income=1.0, age=40, segment="private", country="ES")
    noise.to_parquet(tmp_path / "data.parquet")

    with pytest.raises(DatasetError, match="no product has 20 owners whom the features tell"):
        train(shop.definition(tmp_path), str(tmp_path / "data.parquet"))


@pytest.fixture(scope="module")
def trained():
    bundle = shop.bundle()
    return bundle, json.loads(bundle.files["manifest.json"])


def test_the_figures_are_of_the_ranking_and_the_map_is_the_score(trained):
    bundle, manifest = trained
    metrics = {name: figure["value"] for name, figure in manifest["metrics"].items()}

    assert set(metrics) == {"map_at_2", "map_at_2_popularity", "map_at_2_gain", "brier"}
    assert bundle.score == metrics["map_at_2"]
    gain = metrics["map_at_2"] - metrics["map_at_2_popularity"]
    assert metrics["map_at_2_gain"] == pytest.approx(gain)


def test_every_label_is_accounted_for(trained):
    labels = {label["name"]: label for label in trained[1]["labels"]}

    assert labels["mortgage"]["model"] is None
    assert labels["fund"]["auc"] > 0.7
    assert labels["fund"]["brier"] < labels["fund"]["brier_of_rate"]
    owners = shop.customers(600)["fund"].sum()
    assert sum(labels["fund"]["owners"].values()) == owners


def test_the_report_shows_products_and_the_ranking(trained):
    report = trained[0].files["report.html"].decode()

    assert "MAP@2" in report
    assert "Investment fund" in report
    assert "Score and decision" not in report


def test_it_describes_itself_and_answers_its_golden_rows(trained):
    bundle, manifest = trained
    model = ScoringModel.from_onnx(bundle.files["model.onnx"])

    for row in manifest["golden"]:
        application = row["application"]
        [answer] = model.answer([(application, model.encoder.encode(application))])
        found = [(r["product"], r["probability"]) for r in answer["recommendations"]]
        expected = row["answer"]["recommendations"]
        assert found == [(r["product"], r["probability"]) for r in expected]
        assert not {name for name, _ in found} & set(application["held"])
    assert any(row["application"]["held"] for row in manifest["golden"])
    assert [label.name for label in model.contract.labels][1] == "card"


def test_the_same_data_and_definition_give_the_same_digest(tmp_path, trained):
    shop.customers(600).to_parquet(tmp_path / "data.parquet")

    again = train(shop.definition(tmp_path), str(tmp_path / "data.parquet"))

    assert again.version[-8:] == trained[0].version[-8:]


def test_comparisons_are_for_decisions(tmp_path):
    with pytest.raises(DefinitionError, match="for the task default"):
        with_algorithms(shop.definition(tmp_path), ["xgboost"])
