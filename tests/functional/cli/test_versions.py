import json
from functools import partial

import boto3
import pytest

from cli.demo import APPLICATION
from cli.seed_data import german_credit
from scoreline.core.errors import FourEyesError
from tests import sample

pytestmark = pytest.mark.slow


def test_train_promote_predict_and_roll_back(scoreline, approver, registry, tmp_path):
    trained = scoreline("train", "german-credit", "--dataset", "german.csv")
    assert trained.exit_code == 0, trained.output
    [first] = registry.versions("german-credit")
    assert f"published german-credit {first}" in trained.output
    assert "auc" in trained.output
    assert isinstance(scoreline("promote", "german-credit").exception, FourEyesError)
    assert first in approver("promote", "german-credit").output

    (tmp_path / "one.json").write_text(json.dumps({"id": "a", **APPLICATION}))
    answer = json.loads(scoreline("predict", "german-credit", "one.json").stdout)
    assert (answer["id"], answer["version"]) == ("a", first)
    many = scoreline("predict", "german-credit", "-", input=json.dumps([APPLICATION] * 2))
    assert [a["score"] for a in json.loads(many.stdout)] == [answer["score"]] * 2

    trained = scoreline("train", "german-credit", "--dataset", "german.csv", "--json")
    second = json.loads(trained.stdout)["version"]
    assert second == max(registry.versions("german-credit"))
    assert registry.pointer("german-credit").champion.version == first
    promoted = approver("promote", "german-credit", second, "--reason", "newer")
    assert second in promoted.output
    assert registry.pointer("german-credit").champion.version == second

    assert first in scoreline("rollback", "german-credit").output
    assert registry.pointer("german-credit").champion.version == first
    assert "german-credit" in scoreline("models").output
    [listed] = json.loads(scoreline("models", "--json").stdout)["models"]
    assert (listed["champion"], listed["latest_version"]) == (first, second)
    shown = scoreline("models", "german-credit").output
    assert "champion" in shown
    assert f"watch of {second}: rolled back; 0 decisions" in shown
    ledger = scoreline("history", "german-credit").output
    assert ledger.index("rollback") < ledger.index("bea") < ledger.index("newer")
    entries = json.loads(scoreline("history", "german-credit", "--json").stdout)["history"]
    latest = [(entry["action"], entry["to"]) for entry in entries[:2]]
    assert latest == [("rollback", first), ("promote", second)]
    scoreline("report", "german-credit", first, "--output", "r.html", "--no-browser")
    assert first in (tmp_path / "r.html").read_text()


def test_a_version_is_reproduced_from_the_object_that_it_was_trained_on(
    scoreline, registry, settings
):
    s3, key = boto3.client("s3"), "datasets/german-credit/a.csv"
    versioning = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=settings.bucket, VersioningConfiguration=versioning)
    s3.put_object(Bucket=settings.bucket, Key=key, Body=german_credit())
    assert scoreline("train", "german-credit").exit_code == 0
    [version] = registry.versions("german-credit")
    s3.put_object(Bucket=settings.bucket, Key=key, Body=b"other data")

    same = scoreline("reproduce", "german-credit", version)
    [stored] = s3.list_object_versions(Bucket=settings.bucket, Prefix=key)["Versions"][1:]
    s3.delete_object(Bucket=settings.bucket, Key=key, VersionId=stored["VersionId"])
    gone = scoreline("reproduce", "german-credit", version)

    assert (same.exit_code, gone.exit_code) == (0, 1)
    assert "reproduced bit for bit" in same.output
    assert "not reproduced" in gone.output
    assert "a.csv" in gone.output
    assert "absent" in gone.output


def test_the_points_table_of_a_scorecard(scoreline, registry):
    made = sample.bundle("woe_scorecard")
    sample.publish(registry, made)

    done = scoreline("scorecard", "sample")

    assert done.exit_code == 0, done.output
    assert f"sample {made.version}" in done.output
    for word in ("base points", "debt_to_income", "no_record", "missing", "any other", "own"):
        assert word in done.output
    assert scoreline("scorecard", "sample", made.version).output == done.output


def test_another_algorithm_has_no_points_table(scoreline, registry):
    sample.publish(registry, sample.bundle("logistic_regression"))

    done = scoreline("scorecard", "sample")

    assert done.exit_code == 1
    assert "no points table: its algorithm is logistic_regression" in str(done.exception)


def test_a_rejected_version_is_promoted_by_override_and_reason_alone(scoreline, registry):
    bundle = sample.bundle()
    manifest = json.loads(bundle.files["manifest.json"])
    gate = {"gate": "champion", "passed": False, "sentence": "It is worse."}
    manifest |= {"status": "rejected", "gates": [gate]}
    files = {**bundle.files, "manifest.json": json.dumps(manifest).encode()}
    registry.publish("sample", bundle.version, files)
    promote = partial(scoreline, "promote", "sample", bundle.version)

    refused = promote()
    assert refused.exit_code == 1
    assert "champion: It is worse." in str(refused.exception)
    assert "needs a --reason" in str(promote("--override").exception)
    for blank in ("", " ", "x" * 501):
        done = promote("--override", "--reason", blank)
        assert done.exception.fields[0].field == "reason"
    assert registry.pointers() == {}

    done = promote("--override", "--reason", "agreed with risk")
    assert done.exit_code == 0, done.output
    assert registry.pointer("sample").champion.version == bundle.version
    assert "rejected" in scoreline("models", "sample").output


def test_a_rollback_needs_a_reason_that_says_something(scoreline):
    done = scoreline("rollback", "sample", "--reason", " ")

    assert [broken.field for broken in done.exception.fields] == ["reason"]
