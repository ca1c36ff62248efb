import csv
import json

import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from cli.app import app
from cli.demo import APPLICATION, DATASET_KEY, german_credit
from functions.shared.versions import Pointer, Routing, VersionRef

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


def versions(registry):
    return registry.versions("german-credit")


def test_train_promote_predict_and_roll_back(scoreline, registry, tmp_path):
    trained = scoreline("train", "german-credit", "--dataset", "german.csv", "--promote")
    assert trained.exit_code == 0, trained.output
    [first] = versions(registry)
    assert f"promoted german-credit {first}" in trained.output
    assert "auc" in trained.output

    (tmp_path / "one.json").write_text(json.dumps({"id": "a", **APPLICATION}))
    answer = json.loads(scoreline("predict", "german-credit", "one.json").stdout)
    assert (answer["id"], answer["version"]) == ("a", first)
    many = scoreline("predict", "german-credit", "-", input=json.dumps([APPLICATION] * 2))
    assert [a["score"] for a in json.loads(many.stdout)] == [answer["score"]] * 2

    scoreline("train", "german-credit", "--dataset", "german.csv")
    second = versions(registry)[-1]
    assert registry.pointer("german-credit").champion.version == first
    promoted = scoreline("promote", "german-credit", second, "--reason", "newer")
    assert second in promoted.output
    assert registry.pointer("german-credit").champion.version == second

    assert first in scoreline("rollback", "german-credit").output
    assert registry.pointer("german-credit").champion.version == first
    assert "german-credit" in scoreline("models").output
    assert "champion" in scoreline("models", "german-credit").output
    scoreline("report", "german-credit", first, "--output", "r.html")
    assert first in (tmp_path / "r.html").read_text()


def test_an_upload_ends_with_the_manifest_that_names_its_job(scoreline, registry, settings):
    import boto3

    from functions.shared.datasets import split_s3
    from functions.train.messages import read_orders

    uploaded = scoreline("upload", "german-credit", "german.csv")

    assert uploaded.exit_code == 0, uploaded.output
    count, dataset, job = (line.split()[-1] for line in uploaded.output.splitlines())
    bucket, key, version = split_s3(dataset)
    s3 = boto3.client("s3")
    written = {
        item["Key"]: item["LastModified"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]
    }
    ready = json.load(s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"])
    s3_object = {"key": key, "version-id": version}
    detail = {"bucket": {"name": bucket}, "object": s3_object}
    [order] = read_orders(json.dumps({"detail-type": "Object Created", "detail": detail}))
    assert (uploaded.output.split()[0], count) == ("1,000", "files")
    assert [file["name"] for file in ready["files"]] == ["german.csv"]
    assert written.keys() == {key, key.replace("_READY.json", "german.csv")}
    assert written[key] == max(written.values())
    assert (order.job, order.request.dataset_path) == (job, dataset)

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
    import boto3

    (tmp_path / "a.parquet").write_text("no Parquet")

    refused = scoreline("upload", *arguments)

    assert problem in str(refused.exception)
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=settings.bucket)


def test_training_reads_the_definitions_own_dataset_from_the_bucket(scoreline, registry, settings):
    import boto3

    boto3.client("s3").put_object(Bucket=settings.bucket, Key=DATASET_KEY, Body=german_credit())

    done = scoreline("train", "german-credit")

    assert done.exit_code == 0, done.output
    assert len(versions(registry)) == 1


def test_compare_prints_one_row_per_algorithm(scoreline):
    done = scoreline(
        *("compare", "german-credit", "--dataset", "german.csv"),
        *("--folds", "2", "--algorithms", "logistic_regression,lightgbm"),
    )

    assert done.exit_code == 0, done.output
    assert "logistic_regression" in done.output
    assert "lightgbm" in done.output


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


def test_batch_scores_a_file_with_the_champion(scoreline, registry, tmp_path):
    scoreline("train", "german-credit", "--dataset", "german.csv", "--promote")
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
        (("train", "no-such-model"), "defined: german-credit"),
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
