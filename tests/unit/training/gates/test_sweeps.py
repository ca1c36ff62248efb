from types import SimpleNamespace

import numpy as np
import pytest

from scoreline.core.contract import Contract
from scoreline.core.features import DerivedFeature, Feature
from scoreline.scoring.many_rows import open_session
from training.gates.sweeps import reversals
from training.graph.builder import GraphBuilder
from training.graph.features import Column

LOW, HIGH = np.float32(50.0005), np.float32(50.001)


def dipping():
    """A model whose log-odds rise with x, but for a dip of 1 between two thresholds."""
    graph = GraphBuilder()

    def step(at):
        shifted = graph.node("Sub", "X", graph.constant(at))
        steep = graph.node("Mul", shifted, graph.constant(1e7))
        return graph.node("Clip", steep, graph.constant(0), graph.constant(1))

    dip = graph.node("Sub", step(LOW), step(HIGH))
    rising = graph.node("Mul", "X", graph.constant(0.001))
    outputs = {"log_odds": (graph.node("Sub", rising, dip), 1)}
    return open_session(graph.model({"X": 1}, outputs).SerializeToString())


def model(*thresholds):
    trees = [
        SimpleNamespace(feature=np.array([0, -1, -1]), threshold=np.array([t, 0, 0], np.float32))
        for t in thresholds
    ]
    return SimpleNamespace(
        columns=[Column("x", 0)], ensembles=[SimpleNamespace(trees=trees)] if trees else []
    )


def contract_of(*features, derived=()):
    return Contract("swept", "default", "", features, derived)


@pytest.fixture
def contract():
    feature = Feature(name="x", type="number", minimum=0, maximum=100, monotone="increasing")
    return contract_of(feature)


def test_a_dip_between_two_thresholds_is_found(contract):
    rows = np.arange(100, dtype=np.float32)[:, None]

    found = reversals(model(LOW, HIGH), contract, dipping(), rows, rows)
    missed = reversals(model(), contract, dipping(), rows, rows)

    assert found["x"] == pytest.approx(1, abs=0.01)
    assert missed["x"] == 0  # quantiles alone step over it


def test_more_thresholds_than_can_be_tested_are_remarked(contract):
    rows = np.arange(100, dtype=np.float32)[:, None]
    said = []

    reversals(model(*np.linspace(1, 99, 2_000)), contract, dipping(), rows, rows, said.append)

    assert len(said) == 1
    assert said[0].startswith("sweep of x: 3,000 of ")


def falling(total):
    """A model whose log-odds fall steadily with x, by this much over its range."""
    graph = GraphBuilder()
    outputs = {"log_odds": (graph.node("Mul", "X", graph.constant(-total / 100)), 1)}
    return open_session(graph.model({"X": 1}, outputs).SerializeToString())


def test_a_fall_in_many_small_steps_counts_whole(contract):
    rows = np.arange(100, dtype=np.float32)[:, None]

    assert reversals(model(*np.linspace(1, 99, 500)), contract, falling(0.3), rows, rows) == {
        "x": pytest.approx(0.3, rel=1e-3)
    }


def dipping_ratio():
    """A model of x / y whose log-odds rise with x, but for a dip where the ratio passes LOW."""
    graph = GraphBuilder()
    x, y = (graph.node("Gather", "X", graph.constant([j], np.int64), axis=1) for j in (0, 1))
    ratio = graph.node("Div", x, y)

    def reached(at):
        below = graph.node("Less", ratio, graph.constant(at))
        return graph.node("Cast", graph.node("Not", below), to=1)

    dip = graph.node("Sub", reached(LOW), reached(HIGH))
    rising = graph.node("Mul", x, graph.constant(1e-6))
    outputs = {"log_odds": (graph.node("Sub", rising, dip), 1)}
    return open_session(graph.model({"X": 2}, outputs).SerializeToString())


def ratio_contract(kind):
    return contract_of(
        Feature(name="x", type=kind, minimum=0, maximum=1e6, monotone="increasing"),
        Feature(name="y", type="number", minimum=1, maximum=1e4),
        derived=(DerivedFeature("ratio", "x / y"),),
    )


@pytest.mark.parametrize(("kind", "found"), [("number", 1), ("integer", 0)])
def test_a_dip_between_two_thresholds_of_a_derived_feature_is_found(kind, found):
    """Where x is a whole number and y is 3, no x gives a ratio between the two thresholds."""
    rng = np.random.default_rng(1)
    rows = np.column_stack([rng.uniform(0, 1e3, 300), np.full(300, 3.0)]).astype(np.float32)
    tested = model(LOW, HIGH)
    tested.columns[:] = [Column("ratio", 2)]

    result = reversals(tested, ratio_contract(kind), dipping_ratio(), rows, rows)

    assert result["x"] == pytest.approx(found, abs=0.01)


def falling_where_z_is_missing():
    """A model of x, y and z whose log-odds rise with x, but fall where z is missing."""
    graph = GraphBuilder()
    x, z = (graph.node("Gather", "X", graph.constant([j], np.int64), axis=1) for j in (0, 2))
    sign = graph.node("Where", graph.node("IsNaN", z), graph.constant(-1), graph.constant(1))
    outputs = {"log_odds": (graph.node("Mul", x, sign), 1)}
    return open_session(graph.model({"X": 3}, outputs).SerializeToString())


def test_states_of_features_that_meet_in_a_chain_of_derived_ones_are_tested():
    contract = contract_of(
        Feature(name="x", type="number", minimum=0, maximum=1, monotone="increasing"),
        Feature(name="y", type="number", minimum=1, maximum=2),
        Feature(name="z", type="number", nullable=True),
        derived=(DerivedFeature("ratio", "x / y"), DerivedFeature("chained", "ratio + z")),
    )
    rows = np.random.default_rng(1).uniform(size=(50, 3)).astype(np.float32)

    found = reversals(model(), contract, falling_where_z_is_missing(), rows, rows)

    assert found["x"] == pytest.approx(1, abs=0.01)


def test_a_feature_without_amounts_has_nothing_to_sweep():
    feature = Feature(name="x", type="number", nullable=True, monotone="increasing")
    rows = np.full((100, 1), np.nan, np.float32)

    assert reversals(model(), contract_of(feature), falling(1), rows, rows) == {"x": 0.0}
