"""A trained and exported scorecard answers what its points table says."""

import json
from math import inf, isnan

import numpy as np
import pytest

from scoreline.scoring.many_rows import open_session
from scoreline.scoring.model import ScoringModel
from tests.sample import APPLICATION, applicants, definition, with_algorithm
from training.train import train

pytestmark = pytest.mark.slow

TEXT = with_algorithm("woe_scorecard").replace(
    'name = "enquiries"\n', 'name = "enquiries"\nmonotone = "increasing"\n'
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scorecard")
    applicants(900).to_parquet(folder / "data.parquet")
    bundle = train(definition(folder, TEXT), str(folder / "data.parquet"))
    return bundle, json.loads(bundle.files["manifest.json"])


def test_the_manifest_holds_the_table_and_how_it_was_compared(trained):
    bundle, manifest = trained

    names = [feature["name"] for feature in manifest["scorecard"]["features"]]
    assert names == [
        *("income", "debt", "enquiries", "region", "housing", "employed", "debt_to_income")
    ]
    assert manifest["calibration"]["method"] == "platt"
    assert manifest["parity"]["rows"]["split threshold"] > 0
    assert manifest["parity"]["witness"] is None
    assert manifest["environment"]["optbinning"]
    assert bundle.score > 0.6


def test_missing_special_and_unseen_values_have_bins(trained):
    features = {feature["name"]: feature for feature in trained[1]["scorecard"]["features"]}
    labels = {name: [row["label"] for row in f["bins"]] for name, f in features.items()}

    assert labels["income"][-3:] == ["no_record", "refused", "missing"]
    assert labels["enquiries"][-2:] == ["never_asked", "missing"]
    assert labels["region"][-2:] == ["missing", "any other"]
    assert labels["housing"][-1] != "any other"
    for feature in features.values():
        assert sum(row["share"] for row in feature["bins"]) == pytest.approx(1)


def test_points_fall_in_the_direction_of_the_definition(trained):
    manifest = trained[1]
    enquiries = manifest["scorecard"]["features"][2]

    points = [row["points"] for row in enquiries["bins"] if row["label"] != "missing"][:-1]
    assert enquiries["used"]
    assert points == sorted(points, reverse=True)
    assert manifest["monotone"] == {"enquiries": 0.0}


def row_of(feature, value):
    """The row of the printed table for a value; NaN is missing."""
    rows = feature["bins"]
    named = [row for row in rows if value in row["states"]]
    if named:
        return named[0]
    if isinstance(value, str):
        return rows[-1]
    if isnan(value):
        return next(row for row in rows if row["label"] == "missing")
    lows = [-inf if row["low"] is None else row["low"] for row in rows]
    cut = [k for k, row in enumerate(rows) if row["label"] != "missing" and not row["states"]]
    return rows[max(k for k in cut if lows[k] <= value)]


APPLICATIONS = [
    {},
    {"income": None, "region": None},
    {"income": -99, "enquiries": -1},
    {"region": "east", "employed": False},
    {"debt": 0, "enquiries": None, "housing": "own"},
]


@pytest.mark.parametrize("changes", APPLICATIONS, ids=[str(c) for c in APPLICATIONS])
def test_the_points_of_the_table_sum_to_the_answered_score(trained, changes):
    bundle, manifest = trained
    model = ScoringModel.from_onnx(bundle.files["model.onnx"])
    application = {**APPLICATION, **changes}
    [answer] = model.answer([(application, model.encoder.encode(application))])

    states = {-99: "no_record", -1: "never_asked"}
    values = {
        name: np.nan if value is None else states.get(value, value)
        for name, value in application.items()
    }
    income = values["income"]
    values["debt_to_income"] = values["debt"] / 12 / income if isinstance(income, float) else np.nan
    points = [row_of(f, values[f["name"]])["points"] for f in manifest["scorecard"]["features"]]

    assert answer["score"] == round(manifest["scorecard"]["base_points"] + sum(points))


def test_reasons_are_differences_of_points(trained):
    bundle, manifest = trained
    model = ScoringModel.from_onnx(bundle.files["model.onnx"])
    rows = [
        model.encoder.encode({**APPLICATION, "housing": housing}) for housing in ("own", "rent")
    ]
    session = open_session(bundle.files["model.onnx"])
    [found] = session.run(["contributions"], {"X": np.array(rows, np.float32)})
    housing = manifest["scorecard"]["features"][4]

    # Margin to points: 20 / ln 2 times Platt's slope, and a riskier bin costs them.
    moved = float(found[1, 4] - found[0, 4])
    per_margin = 20 / np.log(2) * manifest["calibration"]["slope"]
    difference = row_of(housing, "own")["points"] - row_of(housing, "rent")["points"]
    assert difference == pytest.approx(per_margin * moved, abs=1e-4)


def test_the_report_shows_the_table(trained):
    report = trained[0].files["report.html"].decode()

    assert "Points table" in report
    assert "<td>no_record</td>" in report
    assert "No library converts this algorithm" in report
