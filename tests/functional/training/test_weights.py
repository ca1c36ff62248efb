import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from scoreline.scoring.many_rows import open_session, run_log_odds
from tests.functional.training.test_gates import as_champion, gate, manifest_of, run
from tests.sample import DEFINITION, applicants, definition
from tests.sample import bundle as sample_bundle
from training.compare_algorithms import compare, with_algorithms
from training.data.load import load_dataset
from training.evaluate.weighting import effective_rows
from training.report.figures.feature_effects import explain, importance, shapes
from training.report.figures.reasons import reason_distribution
from training.report.figures.scored_rows import ScoredRows
from training.train import train

pytestmark = pytest.mark.slow

WEIGHTED = DEFINITION.replace('id = "applicant"', 'id = "applicant"\nweight = "sampling"')
AT_20_PERCENT = WEIGHTED + "\n[calibration]\ndefault_rate = 0.2\n"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    frame = applicants(1_500)
    frame["sampling"] = np.random.default_rng(1).integers(1, 6, len(frame))
    path = tmp_path_factory.mktemp("weights") / "data.parquet"
    frame.to_parquet(path)
    return str(path)


@pytest.fixture(scope="module")
def bundle(path, tmp_path_factory):
    return train(definition(tmp_path_factory.mktemp("models"), AT_20_PERCENT), path)


@pytest.fixture(scope="module")
def manifest(bundle):
    return json.loads(bundle.files["manifest.json"])


def test_figures_of_decisions_and_bands_are_of_one_population(manifest):
    counts, bands = manifest["classification"], manifest["bands"]
    flagged = counts["true_positives"] + counts["false_positives"]
    positives = counts["true_positives"] + counts["false_negatives"]

    assert positives / manifest["dataset"]["test"]["rows"] == pytest.approx(0.2, abs=0.003)
    assert counts["precision"]["value"] == pytest.approx(
        counts["true_positives"] / flagged, abs=0.5 / flagged
    )
    assert sum(band["share"] for band in bands) == pytest.approx(1, abs=1e-4)
    bad_rate = sum(band["share"] * band["bad_rate"]["value"] for band in bands)
    assert bad_rate == pytest.approx(0.2, abs=1e-4)
    assert bands[-1]["approved_bad_rate"] == pytest.approx(0.2, abs=1e-4)
    assert manifest["curves"]["gain"]["bad_rate"] == pytest.approx(0.2, abs=1e-4)


def test_served_probabilities_are_calibrated_in_that_population(manifest):
    intercept = manifest["metrics"]["calibration_intercept"]

    assert intercept["low"] < 0 < intercept["high"]
    expected = sum(band["share"] * band["probability"] for band in manifest["bands"])
    assert expected == pytest.approx(0.2, abs=0.02)


def test_manifest_and_report_state_the_effective_number_of_rows(bundle, manifest, tmp_path, path):
    for part in ("train", "test"):
        sample = manifest["dataset"][part]
        assert sample["effective_rows"] < sample["rows"]
    assert manifest["baseline"]["weighted_by"] == ["weight", "default_rate"]
    counts = manifest["baseline"]["features"]["income"]["counts"]
    assert sum(counts) == pytest.approx(manifest["dataset"]["train"]["effective_rows"], abs=0.1)
    report = bundle.files["report.html"].decode()
    assert "Rows are weighted by <code>sampling</code>, and so that 20" in report
    assert "The bad rates in this table are those of the sample by <code>sampling</code>" in report

    rows = load_dataset(definition(tmp_path, WEIGHTED), path)
    assert effective_rows(rows.weight) < len(rows.y)


def test_shifts_are_judged_by_the_effective_number_of_rows(manifest):
    shift = manifest["stability"]["test"]["features"]["income"]

    assert shift["actual_rows"] == pytest.approx(
        manifest["dataset"]["test"]["effective_rows"], abs=1
    )


def test_a_constant_weight_trains_the_same_model(tmp_path, path):
    frame = applicants(600)
    frame.assign(sampling=0.3).to_parquet(tmp_path / "data.parquet")

    bundles = [
        train(definition(tmp_path, text), str(tmp_path / "data.parquet"))
        for text in (DEFINITION, WEIGHTED)
    ]

    manifests = [json.loads(each.files["manifest.json"]) for each in bundles]
    for key in ("metrics", "bands", "classification", "fairness", "golden", "reference"):
        assert manifests[0][key] == manifests[1][key]
    rows = load_dataset(definition(tmp_path, WEIGHTED), str(tmp_path / "data.parquet")).X
    one, other = (run_log_odds(open_session(each.files["batch.onnx"]), rows) for each in bundles)
    assert (one == other).all()


def test_algorithms_are_compared_by_weight(tmp_path, path):
    texts = {"even": DEFINITION, "weighted": WEIGHTED}
    found = {}
    for name, text in texts.items():
        chosen = definition(tmp_path, text)
        variants = with_algorithms(chosen, ["logistic_regression"])
        [found[name]] = compare(variants, load_dataset(chosen, path), folds=3)

    assert found["even"].pooled_auc != found["weighted"].pooled_auc
    assert found["even"].figures["brier"] != found["weighted"].figures["brier"]


def weighted_by_income(seed):
    """Rows of which those with a low income stand for five."""
    frame = applicants(2_000, seed)
    ids = frame["applicant"] + 10_000 * seed
    return frame.assign(applicant=ids, sampling=np.where(frame["income"] < 2_400, 5.0, 1.0))


@pytest.mark.parametrize("before", [DEFINITION, WEIGHTED], ids=["even", "weighted"])
def test_weights_are_no_shift_from_a_champion_with_or_without_them(tmp_path, before):
    champion = as_champion(run(tmp_path, weighted_by_income(1), before))

    bundle = run(tmp_path, weighted_by_income(2), WEIGHTED, champion=champion)

    assert gate(bundle, "stability")["passed"]
    comparison = manifest_of(bundle)["comparison"]
    assert comparison["auc"]["challenger"] == manifest_of(bundle)["metrics"]["auc"]


def test_importance_contributions_and_reasons_count_a_whole_weight_as_equal_rows(tmp_path, path):
    read = load_dataset(definition(tmp_path, WEIGHTED), path)
    weight = np.rint(read.weight / read.weight.min()).astype(int)
    once = replace(read, weight=weight.astype(float))
    again = replace(read.take(np.repeat(np.arange(len(read.y)), weight)), weight=None)
    session = open_session(sample_bundle().files["batch.onnx"])

    def described(rows):
        log_odds = run_log_odds(session, rows.X)
        contract = definition(tmp_path, WEIGHTED).contract()
        scored = ScoredRows(contract, rows, log_odds, expit(log_odds))
        explained = explain(session, scored, np.arange(len(rows.y)))
        ranked = importance(contract, explained, {})
        found = shapes(contract, explained, ranked)
        groups = {shape["name"]: shape["groups"] for shape in found}["employed"]
        reasons = {
            reason["code"]: (reason["share"], reason["first"], reason["points"])
            for reason in reason_distribution(scored, session)["reasons"]
        }
        return ranked, [group["contribution"] for group in groups], reasons

    (ranked, employed, reasons), (ranked_again, employed_again, reasons_again) = (
        described(rows) for rows in (once, again)
    )

    assert [source["name"] for source in ranked] == [source["name"] for source in ranked_again]
    for one, two in zip(ranked, ranked_again, strict=True):
        assert one["mean_contribution"] == pytest.approx(two["mean_contribution"], rel=1e-4)
    assert employed == pytest.approx(employed_again, rel=1e-4)
    assert reasons.keys() == reasons_again.keys()
    for code, figures in reasons.items():
        assert figures == pytest.approx(reasons_again[code], rel=1e-4)
    unweighted = described(replace(read, weight=None))
    assert unweighted[0] != ranked
