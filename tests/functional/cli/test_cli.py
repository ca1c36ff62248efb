import csv
import json
from functools import partial

import boto3
import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from cli.app import app
from cli.demo import APPLICATION
from cli.seeding import DEMO_MODEL, german_credit
from scoreline.core.versions import Pointer, Routing, VersionRef
from tests import sample

VERSION = "20261121T004512Z-0000000a"

pytestmark = pytest.mark.slow


@pytest.fixture
def scoreline(aws, settings, monkeypatch, tmp_path):
    monkeypatch.setenv("SCORELINE_STAGE", settings.stage)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "german.csv").write_bytes(german_credit())
    monkeypatch.chdir(tmp_path)

    def run(*arguments, **options):
        return CliRunner().invoke(app, arguments, catch_exceptions=True, **options)

    return run


@pytest.fixture
def approver(scoreline, monkeypatch):
    """Runs commands as a user of its own."""
    iam = boto3.client("iam")
    iam.create_user(UserName="bea")
    key = iam.create_access_key(UserName="bea")["AccessKey"]

    def run(*arguments, **options):
        with monkeypatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
            patch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
            patch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the keys that it has read
            return scoreline(*arguments, **options)

    return run


def versions(registry):
    return registry.versions("german-credit")


def test_train_promote_predict_and_roll_back(scoreline, approver, registry, tmp_path):
    trained = scoreline("train", "german-credit", "--dataset", "german.csv")
    assert trained.exit_code == 0, trained.output
    [first] = versions(registry)
    assert f"published german-credit {first}" in trained.output
    assert "auc" in trained.output
    assert "another one has to" in str(scoreline("promote", "german-credit").exception)
    assert first in approver("promote", "german-credit").output

    (tmp_path / "one.json").write_text(json.dumps({"id": "a", **APPLICATION}))
    answer = json.loads(scoreline("predict", "german-credit", "one.json").stdout)
    assert (answer["id"], answer["version"]) == ("a", first)
    many = scoreline("predict", "german-credit", "-", input=json.dumps([APPLICATION] * 2))
    assert [a["score"] for a in json.loads(many.stdout)] == [answer["score"]] * 2

    scoreline("train", "german-credit", "--dataset", "german.csv")
    second = versions(registry)[-1]
    assert registry.pointer("german-credit").champion.version == first
    promoted = approver("promote", "german-credit", second, "--reason", "newer")
    assert second in promoted.output
    assert registry.pointer("german-credit").champion.version == second

    assert first in scoreline("rollback", "german-credit").output
    assert registry.pointer("german-credit").champion.version == first
    assert "german-credit" in scoreline("models").output
    shown = scoreline("models", "german-credit").output
    assert "champion" in shown
    assert f"watch of {second}: rolled back; 0 decisions" in shown
    ledger = scoreline("history", "german-credit").output
    assert ledger.index("rollback") < ledger.index("bea") < ledger.index("newer")
    scoreline("report", "german-credit", first, "--output", "r.html", "--no-browser")
    assert first in (tmp_path / "r.html").read_text()


def test_an_upload_ends_with_the_manifest_that_names_its_job(scoreline, registry, settings):
    from scoreline.core.datasets import split_s3
    from scoreline.jobs.messages import requested_jobs

    uploaded = scoreline("upload", "german-credit", "german.csv")

    assert uploaded.exit_code == 0, uploaded.output
    count, dataset, job = (line.split()[-1] for line in uploaded.output.splitlines())
    bucket, key, version = split_s3(dataset)
    s3 = boto3.client("s3")
    written = {
        item["Key"]: item["LastModified"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]
    }
    manifest = s3.get_object(Bucket=bucket, Key=key, VersionId=version)
    ready = json.load(manifest["Body"])
    assert manifest["Metadata"] == {"uploaded-by": "arn:aws:sts::123456789012:user/moto"}
    s3_object = {"key": key, "version-id": version}
    detail = {"bucket": {"name": bucket}, "object": s3_object}
    [requested] = requested_jobs(json.dumps({"detail-type": "Object Created", "detail": detail}))
    assert (uploaded.output.split()[0], count) == ("1,000", "files")
    assert [file["name"] for file in ready["files"]] == ["german.csv"]
    assert written.keys() == {key, key.replace("_READY.json", "german.csv")}
    assert written[key] == max(written.values())
    assert (requested.id, requested.request.dataset_path) == (job, dataset)

    trained = scoreline("train", "german-credit", "--dataset", dataset)
    manifest = registry.manifest("german-credit", versions(registry)[-1])
    assert trained.exit_code == 0, trained.output
    assert manifest["dataset"]["fingerprint"] == ready["digest"]
    assert manifest["dataset"]["path"] == dataset


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["german-credit", "nowhere"], "no such file or folder"),
        (["no-such-model", "german.csv"], "no definition for this model"),
        (["german-credit", "."], "does not read as its name says"),
    ],
)
def test_what_cannot_be_uploaded_is_refused_before_anything_is_written(
    scoreline, settings, tmp_path, arguments, problem
):
    (tmp_path / "a.parquet").write_text("no Parquet")

    refused = scoreline("upload", *arguments)

    assert problem in str(refused.exception)
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=settings.bucket)


def test_training_reads_the_definitions_own_dataset_from_the_bucket(scoreline, registry, settings):
    key = f"datasets/{DEMO_MODEL}/data.csv"
    boto3.client("s3").put_object(Bucket=settings.bucket, Key=key, Body=german_credit())

    done = scoreline("train", "german-credit")

    assert done.exit_code == 0, done.output
    assert len(versions(registry)) == 1


COMPARE = ("compare", "german-credit", "--dataset", "german.csv", "--folds", "2")


def test_a_version_is_reproduced_from_the_object_that_it_was_trained_on(
    scoreline, registry, settings
):
    s3, key = boto3.client("s3"), "datasets/german-credit/a.csv"
    versioning = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=settings.bucket, VersioningConfiguration=versioning)
    s3.put_object(Bucket=settings.bucket, Key=key, Body=german_credit())
    assert scoreline("train", "german-credit").exit_code == 0
    [version] = versions(registry)
    s3.put_object(Bucket=settings.bucket, Key=key, Body=b"other data")

    same = scoreline("reproduce", "german-credit", version)
    [stored] = s3.list_object_versions(Bucket=settings.bucket, Prefix=key)["Versions"][1:]
    s3.delete_object(Bucket=settings.bucket, Key=key, VersionId=stored["VersionId"])
    gone = scoreline("reproduce", "german-credit", version)

    assert (same.exit_code, gone.exit_code) == (0, 1)
    assert "reproduced bit for bit" in same.output
    assert "not reproduced" in gone.output
    assert "a.csv" in gone.output
    assert "not there" in gone.output


def test_compare_prints_one_row_per_algorithm(scoreline):
    done = scoreline(*COMPARE, "--algorithms", "logistic_regression,woe_scorecard")

    assert done.exit_code == 0, done.output
    rows = [line for line in done.output.splitlines() if "logistic_regression" in line]
    assert len(rows) == 1
    assert "woe_scorecard" in done.output
    assert "Holm" in done.output


def test_compared_figures_as_json(scoreline):
    done = scoreline(*COMPARE, "--algorithms", "logistic_regression,lightgbm", "--json")

    first, second = json.loads(done.stdout)
    assert [first["algorithm"], second["algorithm"]] == ["logistic_regression", "lightgbm"]
    for found in (first, second):
        area = found["pooled_auc"]
        assert 0.5 < area["low"] < area["value"] < area["high"] < 1
        assert abs(found["auc"] - area["value"]) < 0.02
        assert found["fit_seconds"] > 0
        assert found["row_us"] > 0
        assert found["model_bytes"] > 5000
    best, other = sorted((first, second), key=lambda found: -found["pooled_auc"]["value"])
    test = other["against_best"]
    assert best["against_best"] is None
    difference = other["pooled_auc"]["value"] - best["pooled_auc"]["value"]
    assert test["difference"]["value"] == pytest.approx(difference)
    assert 0 < test["p_value"] == test["adjusted"] <= 1


def test_compare_says_which_algorithms_cannot_hold_a_direction(scoreline):
    scoreline("generate", "loan-risk", "--rows", "400")

    done = scoreline(
        *("compare", "loan-risk", "--dataset", "loan-risk.parquet", "--folds", "2", "--json")
    )

    left_out = ["logistic_regression", "gradient_boosting"]
    assert [name for name in left_out if f"{name} is left out" in done.stderr] == left_out
    names = [found["algorithm"] for found in json.loads(done.stdout)]
    assert names == ["woe_scorecard", "random_forest", "xgboost", "lightgbm"]


def test_recommendations_are_not_compared(scoreline):
    done = scoreline("compare", "product-recommendation")

    assert done.exit_code == 1
    assert "algorithms are compared for the task default" in str(done.exception)


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


def test_banks_are_routed_and_unrouted_by_name(scoreline, registry):
    registry.write_pointer("german-credit", Pointer(VersionRef(VERSION, "0" * 64)))
    registry.write_pointer("loan-risk", Pointer(VersionRef(VERSION, "0" * 64)))
    registry.write_routing(Routing("loan-risk", {"north": "loan-risk"}))

    assert scoreline("route", "default", "german-credit").exit_code == 0
    assert scoreline("unroute", "north").exit_code == 0
    assert scoreline("route", "hill-bank", "german-credit", "--reason", "joins").exit_code == 0

    assert registry.routing() == Routing("german-credit", {"hill-bank": "german-credit"})
    assert "hill-bank" in scoreline("routes").output
    assert "names a model" in str(scoreline("route", "x", "no-model").exception.fields)
    assert "no model is routed" in str(scoreline("unroute", "unknown").exception)


def test_batch_scores_a_file_with_the_champion(scoreline, approver, registry, tmp_path):
    scoreline("train", "german-credit", "--dataset", "german.csv")
    approver("promote", "german-credit")
    one = json.dumps(APPLICATION)
    alone = json.loads(scoreline("predict", "german-credit", "-", input=one).stdout)
    with open(tmp_path / "many.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, APPLICATION)
        writer.writeheader()
        writer.writerows([APPLICATION, {**APPLICATION, "housing": "castle"}])

    done = scoreline("batch", "german-credit", "many.csv", "scores.csv", "--reasons")

    assert done.exit_code == 0, done.output
    assert "1 rows scored: scores.csv" in done.output
    assert "1 rows rejected: scores.rejected.csv" in done.output
    [answer] = csv.DictReader((tmp_path / "scores.csv").read_text().splitlines())
    assert (answer["row"], answer["score"]) == ("1", str(alone["score"]))
    assert answer["reason_1"] == alone["reasons"][0]["code"]
    assert "castle" not in (tmp_path / "scores.rejected.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "no-such-model"), "defined: credit-card, german-credit"),
        (("promote", "german-credit", "20260101T000000Z-00000000"), "no version"),
        (("rollback", "german-credit"), ""),
        (("predict", "german-credit", "-"), "not valid JSON"),
        (("train", "german-credit", "--dataset", "/nowhere"), "dataset_path"),
    ],
)
def test_what_goes_wrong_is_one_clear_error(scoreline, arguments, message):
    done = scoreline(*arguments, input="{")

    assert done.exit_code == 1
    assert message in str(done.exception)


def test_every_command_has_help(scoreline):
    for command in (
        "train",
        "models",
        "history",
        "promote",
        "rollback",
        "predict",
        "batch",
        "route",
        "serve",
        "demo",
    ):
        done = scoreline(command, "--help")
        assert done.exit_code == 0
        assert "Usage" in done.output


def test_generate_writes_what_it_says_and_nothing_for_a_model_it_does_not_know(scoreline, tmp_path):
    done = scoreline(
        "generate", "loan-risk", "--rows", "20", "--seed", "3", "--output", "a/b.parquet"
    )
    refused = scoreline("generate", "unknown")

    assert "20 invented rows" in done.output
    assert parquet.read_metadata(tmp_path / "a" / "b.parquet").num_rows == 20
    assert "no generator for this model" in str(refused.exception)
    assert not (tmp_path / "unknown.parquet").exists()


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
    assert registry.pointers() == {}

    done = promote("--override", "--reason", "agreed with risk")
    assert done.exit_code == 0, done.output
    assert registry.pointer("sample").champion.version == bundle.version
    assert "rejected" in scoreline("models", "sample").output
