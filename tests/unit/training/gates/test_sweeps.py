from types import SimpleNamespace

import numpy as np
import pytest

from scoreline.core.features import Feature
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


@pytest.fixture
def contract():
    feature = Feature(name="x", type="number", minimum=0, maximum=100, monotone="increasing")
    return SimpleNamespace(features=(feature,), derived=())


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
