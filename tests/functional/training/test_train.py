import json

import numpy as np
import pytest

from scoreline.core.errors import DatasetError, TrainingError
from scoreline.core.versions import VERSION_PATTERN, digest
from scoreline.definition.splits import RandomSplit
from scoreline.scoring.model import ScoringModel
from tests.sample import APPLICATION, DEFINITION, applicants, definition
from training.data.load import load_dataset
from training.data.split import split_rows
from training.train import train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    frame = applicants(800)
    frame.loc[:4, "outcome"] = None
    frame.to_parquet(folder / "data.parquet")
    said = []
    bundle = train(definition(folder), str(folder / "data.parquet"), progress=said.append)
    return bundle, json.loads(bundle.files["manifest.json"]), said


def test_the_bundle_is_complete_and_its_digests_match(trained):
    bundle, manifest, _ = trained

    assert set(bundle.files) == {
        "model.onnx",
        "batch.onnx",
        "report.html",
        "training_rows.bin",
        "manifest.json",
    }
    assert VERSION_PATTERN.fullmatch(bundle.version)
    for name, entry in manifest["files"].items():
        assert entry == {"sha256": digest(bundle.files[name]), "size": len(bundle.files[name])}


def test_figures_have_intervals_and_the_auc_is_the_score(trained):
    bundle, manifest, _ = trained

    assert set(manifest["metrics"]) == {
        "auc",
        "gini",
        "ks",
        "brier",
        "log_loss",
        "calibration_error",
        "calibration_intercept",
        "calibration_slope",
    }
    assert manifest["metrics"]["auc"]["value"] == bundle.score
    assert 0.6 < manifest["metrics"]["auc"]["low"] < bundle.score


def test_exclusions_are_reported(trained):
    bundle, manifest, _ = trained

    assert manifest["dataset"]["exclusions"] == {"outcome: the label is missing": 5}
    assert "outcome: the label is missing" in bundle.files["report.html"].decode()


def test_progress_is_reported(trained):
    assert any("parity gate" in line for line in trained[2])


def test_the_model_describes_itself_and_answers_its_golden_rows(trained):
    bundle, manifest, _ = trained
    model = ScoringModel.from_onnx(bundle.files["model.onnx"])

    for row in manifest["golden"]:
        application = row["application"]
        [answer] = model.answer([(application, model.encoder.encode(application))])
        assert {key: answer[key] for key in row["answer"]} == row["answer"]
    assert model.version == bundle.version
    assert "sex" not in [feature.name for feature in model.contract.features]


def test_reasons_name_features_that_cost_points_most_first(trained):
    model = ScoringModel.from_onnx(trained[0].files["model.onnx"])
    application = {**APPLICATION, "enquiries": 9, "employed": False}

    [answer] = model.answer([(application, model.encoder.encode(application))])

    points = [reason["points"] for reason in answer["reasons"]]
    assert points == sorted(points)
    assert all(p < 0 for p in points)
    assert len(points) <= 4
    assert {"enquiries", "employed"} <= {reason["feature"] for reason in answer["reasons"]}


def test_the_same_data_and_definition_give_the_same_digest(tmp_path):
    applicants(300).to_csv(tmp_path / "data.csv", index=False)

    versions = {
        train(definition(tmp_path), str(tmp_path / "data.csv")).version[-8:] for _ in range(2)
    }

    assert len(versions) == 1


def test_a_stated_default_rate_moves_the_probabilities_to_it(tmp_path):
    applicants(900).to_parquet(tmp_path / "data.parquet")
    text = DEFINITION + "\n[calibration]\ndefault_rate = 0.05\n"

    bundle = train(definition(tmp_path, text), str(tmp_path / "data.parquet"))

    manifest = json.loads(bundle.files["manifest.json"])
    model = ScoringModel.from_onnx(bundle.files["model.onnx"])
    sample = load_dataset(definition(tmp_path, text), str(tmp_path / "data.parquet"))
    assert manifest["calibration"]["shift"] < -2
    log_odds = np.array(model.log_odds(sample.X.tolist()))
    assert np.mean(1 / (1 + np.exp(-log_odds))) == pytest.approx(0.05, abs=0.03)
    assert manifest["metrics"]["calibration_intercept"]["low"] < 0.2


def test_the_reference_is_frozen_hashed_and_the_marginal_approved(trained):
    bundle, manifest, _ = trained
    contract = ScoringModel.from_onnx(bundle.files["model.onnx"]).contract

    assert contract.reference.group == "marginal_approved"
    assert contract.reference.digest == manifest["reference"]["digest"]
    assert 0 < contract.reference.rows <= 300
    assert contract.score_scale.score(contract.reference.log_odds) >= 540


def test_a_reference_needs_approved_rows(tmp_path):
    applicants(300).to_parquet(tmp_path / "data.parquet")
    text = DEFINITION.replace("min_score = 560", "min_score = 9000")

    with pytest.raises(TrainingError, match="no row reaches the approve cutoff"):
        train(definition(tmp_path, text), str(tmp_path / "data.parquet"))


def test_all_applicants_may_be_the_reference(tmp_path):
    applicants(300).to_parquet(tmp_path / "data.parquet")
    text = DEFINITION + '\n[explanation]\nreference = "all_applicants"\n'

    bundle = train(definition(tmp_path, text), str(tmp_path / "data.parquet"))

    reference = json.loads(bundle.files["manifest.json"])["reference"]
    assert (reference["group"], reference["rows"]) == ("all_applicants", 210)


def test_fairness_is_reported_for_protected_features(trained):
    fairness = trained[1]["fairness"]["sex"]

    assert set(fairness) == {"f", "m"}
    assert sum(group["reference"] for group in fairness.values()) == 1


def test_time_split_holds_out_the_latest_rows_and_keeps_ties_together(tmp_path):
    text = DEFINITION.replace("test_share = 0.3", 'method = "time"\ncolumn = "month"')
    frame = applicants(200).assign(month=np.repeat(np.arange(10), 20))
    frame.to_parquet(tmp_path / "data.parquet")
    sample = definition(tmp_path, text)
    dataset = load_dataset(sample, str(tmp_path / "data.parquet"))

    early, late = split_rows(sample.split, dataset)

    # 25 % of 200 rows is 50: the fifty latest begin within month 7, whose rows stay together.
    assert (len(early), len(late)) == (140, 60)
    assert dataset.time[early].max() < dataset.time[late].min()


def test_too_few_rows_of_a_class_are_refused(tmp_path):
    frame = applicants(40).assign(outcome=["bad"] + ["good"] * 39)
    frame.to_parquet(tmp_path / "data.parquet")
    dataset = load_dataset(definition(tmp_path), str(tmp_path / "data.parquet"))

    with pytest.raises(DatasetError, match="too few for a test set"):
        split_rows(RandomSplit(), dataset)
