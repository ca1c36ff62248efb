"""A scorecard whose bins are given: its trees, its contributions and its points by hand."""

from math import inf, log, nan

import numpy as np
import onnxruntime
import pytest
from sklearn.pipeline import Pipeline

from scoreline.core.contract import Band, Contract, RiskLevel, ScoreScale
from scoreline.core.features import DerivedFeature, Feature
from training.fit.algorithms import ESTIMATORS
from training.fit.calibration import Calibration, Platt
from training.fit.model import FittedModel
from training.fit.scorecard import WoeScorecard
from training.fit.woe_binning import WoeBinning
from training.graph.builder import GraphBuilder
from training.graph.contributions import add_tree_contributions
from training.graph.features import FeatureGraph
from training.graph.trees import read_ensemble
from training.report.figures.points_table import points_table

CONTRACT = Contract(
    model="card",
    task="default",
    description="",
    features=(
        Feature(
            name="income", type="number", nullable=True, special_codes={"no_record": -99}, minimum=0
        ),
        Feature(name="region", type="category", categories=("a", "b", "c"), unseen="accept"),
    ),
    derived=(DerivedFeature(name="double", expression="2 * income"),),
    score_scale=ScoreScale(base_score=600, base_odds=50, pdo=20),
    bands=(Band(decision="decline"),),
    risk_levels=(RiskLevel(name="high"),),
    reasons=(),
    max_reasons=4,
    reference=None,
)
# Columns: income, double, income=no_record, region=a, region=b, region=c.
INCOME = WoeBinning(
    source=0,
    amount=0,
    cuts=np.array([10, 20], np.float32),
    states={2: 3},
    state_rows={2: 5},
    n_cut=3,
    goods=np.array([40, 20, 15, 3, 2]),
    bads=np.array([5, 5, 5, 2, 3]),
)
REGION = WoeBinning(
    source=1,
    amount=None,
    cuts=np.empty(0, np.float32),
    states={3: 0, 4: 0, 5: 1},
    state_rows={3: 30, 4: 20, 5: 50},
    n_cut=2,
    goods=np.array([45, 35, 0]),
    bads=np.array([5, 15, 0]),
)
DOUBLE = WoeBinning(
    source=2,
    amount=1,
    cuts=np.array([25], np.float32),
    states={},
    state_rows={},
    n_cut=2,
    goods=np.array([50, 25, 5]),
    bads=np.array([5, 10, 5]),
)
WEIGHTS = np.array([0.8, 1.2, 0.0])
PLATT = Platt(slope=0.5, intercept=0.25)


def model():
    features = FeatureGraph(CONTRACT)
    scorecard = WoeScorecard(features.columns_)
    scorecard.binnings_ = [INCOME, REGION, DOUBLE]
    scorecard.weights_, scorecard.intercept_ = WEIGHTS, log(1 / 4)
    pipeline = Pipeline([("features", features), ("classify", scorecard)])
    return FittedModel(ESTIMATORS["woe_scorecard"], pipeline, Calibration(PLATT))


def columns():
    amounts = [-inf, 9.999999, 10, 15, np.nextafter(np.float32(20), np.float32(0)), 20, 1e30, nan]
    regions = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]
    rows = [(x, 2 * x, 0, *region) for x in amounts[1:] for region in regions]
    rows += [(nan, nan, 1, *region) for region in regions]
    return np.array(rows, np.float32)


def test_the_columns_have_the_positions_that_the_bins_use():
    names = [column.name for column in model().columns]

    assert names == ["income", "double", "income=no_record", "region=a", "region=b", "region=c"]


def test_margin_by_hand():
    # Income 15: shares 20/80 and 5/20, WoE 0. Region c: ln((35/80) / (15/20)) = ln(7/12).
    row = np.array([[15, 30, 0, 0, 0, 1]], np.float32)

    found = model().classifier.decision_function(row)

    assert found == pytest.approx([log(1 / 4) - 1.2 * log(7 / 12)])


def test_trees_sum_to_the_margin():
    scorecard = model().classifier

    found = read_ensemble(scorecard).raw(columns())

    assert found == pytest.approx(scorecard.decision_function(columns()), abs=1e-12)


@pytest.mark.parametrize("many_rows", [False, True])
def test_contributions_are_distances_from_the_mean_woe(many_rows):
    graph = GraphBuilder()
    sources = [column.source for column in model().columns]
    X = graph.transposed("X") if many_rows else "X"
    added = add_tree_contributions(
        graph, X, read_ensemble(model().classifier), sources, 3, many_rows=many_rows
    )
    content = graph.model({"X": 6}, {"contributions": (added.contributions, 3)})
    session = onnxruntime.InferenceSession(content.SerializeToString())

    [found] = session.run(None, {"X": columns()})

    for source, binning in enumerate((INCOME, REGION, DOUBLE)):
        rows = binning.goods + binning.bads
        mean = (rows * binning.woe).sum() / rows.sum()
        expected = -WEIGHTS[source] * (binning.woe[binning.bin_of(columns())] - mean)
        assert found[:, source] == pytest.approx(expected, abs=1e-6)


def test_points_by_hand():
    # Points of an applicant of WoE 0: 600 - 20 / ln 2 (.5 ln .25 + .25 + ln 50) = 499.9094; region
    # c moves the margin by 1.2 ln(12/7), which Platt halves: -28.8539 * .5 * .6468 = -9.3313.
    table = points_table(model(), CONTRACT)

    assert table["base_points"] == pytest.approx(499.9094, abs=1e-4)
    [_, region, double] = table["features"]
    assert [row["label"] for row in region["bins"]] == ["a, b", "c", "any other"]
    assert region["bins"][1]["points"] == pytest.approx(-9.3313, abs=1e-4)
    assert region["bins"][0]["share"] == 0.5
    assert region["bins"][0]["bad_rate"] == 0.1
    assert region["bins"][2]["bad_rate"] is None
    assert region["used"]
    assert not double["used"]
    assert {row["points"] for row in double["bins"]} == {0}


def test_bins_have_readable_labels():
    income, _, double = points_table(model(), CONTRACT)["features"]

    labels = ["under 10", "10 to under 20", "20 and over", "no_record", "missing"]
    assert [row["label"] for row in income["bins"]] == labels
    assert [(row["low"], row["high"]) for row in income["bins"]] == [
        (None, 10),
        (10, 20),
        (20, None),
        (None, None),
        (None, None),
    ]
    assert double["bins"][-1]["label"] == "missing"


def test_points_and_base_points_sum_to_the_score():
    fitted = model()
    table = points_table(fitted, CONTRACT)
    X = columns()
    points = np.full(len(X), table["base_points"])
    for feature, binning in zip(table["features"], (INCOME, REGION, DOUBLE), strict=True):
        points += np.array([row["points"] for row in feature["bins"]])[binning.bin_of(X)]

    log_odds = fitted.calibration.log_odds(fitted.classifier.decision_function(X))

    assert points == pytest.approx([CONTRACT.score_scale.points(z) for z in log_odds], abs=1e-9)


def test_another_algorithm_has_no_points_table():
    other = model()
    pipeline = Pipeline([other.pipeline.steps[0], ("classify", object())])

    assert points_table(FittedModel(other.estimator, pipeline, other.calibration), CONTRACT) is None


@pytest.mark.slow
def test_a_feature_with_the_wrong_sign_is_left_out():
    # By itself `double` looks risky; beside income, which says the same better, it would be safe.
    rng = np.random.default_rng(4)
    income = rng.normal(size=4000)
    double = income + rng.normal(scale=0.5, size=4000)
    y = (rng.random(4000) < 1 / (1 + np.exp(-3 * income + 0.9 * double))).astype(np.int8)
    X = np.zeros((4000, 6), np.float32)
    X[:, 0], X[:, 1], X[:, 3] = income, double, 1

    fitted = WoeScorecard(FeatureGraph(CONTRACT).columns_).fit(X, y)

    assert fitted.binnings_[2].iv.sum() > 0.1
    assert fitted.weights_[0] > 0
    assert fitted.weights_[1:].tolist() == [0, 0]


@pytest.mark.slow
def test_a_scorecard_without_any_feature_is_refused():
    X = np.zeros((100, 6), np.float32)

    with pytest.raises(ValueError, match="no feature separates defaults from the others"):
        WoeScorecard(FeatureGraph(CONTRACT).columns_).fit(X, (np.arange(100) % 2).astype(np.int8))


@pytest.mark.slow
def test_a_whole_weight_is_as_many_equal_rows():
    columns = FeatureGraph(CONTRACT).columns_
    rng = np.random.default_rng(0)
    amounts = [rng.normal(size=1_500).round(2) for _ in columns]
    X = np.column_stack(
        [x if c.value is None else 0 * x for c, x in zip(columns, amounts, strict=True)]
    ).astype(np.float32)
    y = (rng.random(1_500) < 1 / (1 + np.exp(1 - X[:, 0]))).astype(np.int8)
    weight = rng.integers(1, 4, 1_500)
    again = np.repeat(np.arange(1_500), weight)

    weighted = WoeScorecard(columns, C=1e6).fit(X, y, weight.astype(float))

    repeated = WoeScorecard(columns, C=1e6).fit(X[again], y[again])
    for one, other in zip(weighted.binnings_, repeated.binnings_, strict=True):
        assert one.cuts.tolist() == other.cuts.tolist()
        assert (one.goods.tolist(), one.bads.tolist()) == (
            other.goods.tolist(),
            other.bads.tolist(),
        )
    assert weighted.weights_ == pytest.approx(repeated.weights_, abs=1e-6)
