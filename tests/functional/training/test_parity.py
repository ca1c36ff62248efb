"""ONNX and the fitted pipeline agree for every algorithm on drawn data."""

from dataclasses import replace
from functools import cache

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoreline.core.errors import ParityError
from scoreline.core.features import UNSEEN_CATEGORY
from scoreline.definition.algorithms import ALGORITHMS
from scoreline.scoring.many_rows import open_session, run_rows
from tests.sample import applicants, definition, with_algorithm
from training.data.load import load_dataset
from training.export.graphs import batch_graph, online_graph, witness_graph
from training.export.parity import Candidate, check_parity, probe_rows
from training.fit.model import fit

pytestmark = pytest.mark.slow

SMALL = {
    "random_forest": "parameters = { n_estimators = 30, max_depth = 4 }",
    "gradient_boosting": "parameters = { n_estimators = 30 }",
    "xgboost": "parameters = { n_estimators = 40, max_depth = 4 }",
    "lightgbm": "parameters = { n_estimators = 40 }",
}
every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parity")
    applicants(900).to_parquet(folder / "data.parquet")

    @cache
    def make(algorithm):
        sample = definition(folder, with_algorithm(algorithm, SMALL.get(algorithm, "")))
        dataset = load_dataset(sample, str(folder / "data.parquet"))
        model = fit(sample, dataset.take(np.arange(600)))
        contract = sample.contract()
        online, expected_margin = online_graph(model, contract)
        witness = witness_graph(model) if model.estimator.algorithm.converts else None
        graphs = (online, batch_graph(model, contract), witness)
        sessions = [graph and open_session(graph.SerializeToString()) for graph in graphs]
        return model, contract, Candidate(*sessions, expected_margin), dataset.X[600:]

    return make


EDGES = [float("nan"), np.inf, -np.inf, 0.0, -0.0, -99.0, -98.0, -1.0, UNSEEN_CATEGORY, 1e-38]
amounts = st.one_of(st.sampled_from(EDGES), st.floats(-1e6, 1e6, width=32))
codes = st.sampled_from([float("nan"), UNSEEN_CATEGORY, 0.0, 1.0, 2.0])
rows = st.lists(st.tuples(amounts, amounts, amounts, codes, codes, codes), min_size=1, max_size=60)


@every_algorithm
@given(drawn=rows)
@settings(max_examples=60, deadline=None)
def test_drawn_rows(fitted, algorithm, drawn):
    model, contract, candidate, _ = fitted(algorithm)

    parity = check_parity(model, contract, candidate, np.array(drawn, np.float32))

    assert max(parity.online, parity.batch, parity.witness or 0) <= 1e-5
    assert (parity.witness is None) == (algorithm == "woe_scorecard")


@every_algorithm
def test_held_out_rows_thresholds_specials_and_unseen(fitted, algorithm):
    model, contract, candidate, held_out = fitted(algorithm)

    parity = check_parity(model, contract, candidate, held_out)

    assert parity.rows["special code"] > 0
    assert parity.rows["unseen category"] > 0
    assert (parity.rows["split threshold"] > 0) == (algorithm != "logistic_regression")


@every_algorithm
def test_a_row_alone_and_in_a_batch_have_the_same_answer(fitted, algorithm):
    _, _, candidate, held_out = fitted(algorithm)
    outputs = ["probability", "contributions"]

    together = candidate.online.run(outputs, {"X": held_out})
    alone = [candidate.online.run(outputs, {"X": held_out[i : i + 1]}) for i in range(40)]

    for number, values in enumerate(zip(*alone, strict=True)):
        np.testing.assert_array_equal(np.concatenate(values), together[number][:40])


@every_algorithm
def test_online_and_batch_give_the_same_score_bit_for_bit(fitted, algorithm):
    _, _, candidate, held_out = fitted(algorithm)

    online = candidate.online.run(["probability", "log_odds"], {"X": held_out})
    batch = candidate.batch.run(["probability", "log_odds"], {"X": held_out})

    np.testing.assert_array_equal(online, batch)


def test_a_changed_threshold_is_caught_and_its_rows_are_named(fitted):
    model, contract, candidate, held_out = fitted("xgboost")
    spoiled = batch_graph(model, contract)
    moved = 0
    for constant in spoiled.graph.initializer:
        values = onnx.numpy_helper.to_array(constant)
        amounts = (values > 5000) & (values < 1e6) if values.dtype == np.float32 else None
        if amounts is not None and amounts.any() and np.unique(values).size > 20:
            values = np.where(amounts, np.nextafter(values, np.float32(np.inf)), values)
            constant.CopyFrom(onnx.numpy_helper.from_array(values, constant.name))
            moved += 1
    onnx.checker.check_model(spoiled)
    broken = replace(candidate, batch=open_session(spoiled.SerializeToString()))

    assert moved
    with pytest.raises(ParityError, match=r"batch graph differs .* split threshold rows"):
        check_parity(model, contract, broken, held_out)


def test_probes_change_one_feature_at_a_time(fitted):
    model, contract, _, held_out = fitted("xgboost")

    kinds = dict(probe_rows(model, contract, held_out))

    for kind in ("missing", "special code", "unseen category", "split threshold"):
        base = held_out[np.arange(len(kinds[kind])) % len(held_out)]
        same = (kinds[kind] == base) | (np.isnan(kinds[kind]) & np.isnan(base))
        assert (~same).sum(axis=1).max() == 1


def test_run_in_chunks_keeps_order(fitted):
    _, _, candidate, held_out = fitted("lightgbm")
    many = np.tile(held_out, (8, 1))

    [whole] = run_rows(candidate.online, many, ["probability"])

    np.testing.assert_array_equal(whole[: len(held_out)], whole[-len(held_out) :])


@every_algorithm
def test_the_batch_graph_scores_the_same_without_contributions(fitted, algorithm):
    _, contract, candidate, rows = fitted(algorithm)
    wanted = ["log_odds", "margin", "contributions"]

    log_odds, margin, contributions = candidate.batch.run(
        wanted, {"X": rows, "explain": np.array(False)}
    )

    assert np.array_equal(log_odds, run_rows(candidate.online, rows, ["log_odds"])[0])
    assert np.array_equal(margin, run_rows(candidate.online, rows, ["margin"])[0])
    assert contributions.shape == (0, len(contract.sources))
