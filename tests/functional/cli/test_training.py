import json

import boto3
import pytest
from pyarrow import parquet

from cli.seed_data import DEMO_MODEL, german_credit

pytestmark = pytest.mark.slow

COMPARE = ("compare", "german-credit", "--dataset", "german.csv", "--folds", "2")


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
    manifest = registry.manifest("german-credit", registry.versions("german-credit")[-1])
    assert trained.exit_code == 0, trained.output
    assert manifest["dataset"]["fingerprint"] == ready["digest"]
    assert manifest["dataset"]["path"] == dataset


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["german-credit", "nowhere"], "no such file or folder"),
        (["no-such-model", "german.csv"], "no definition for this model"),
        (["german-credit", "."], "is not a valid"),
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
    assert len(registry.versions("german-credit")) == 1
    said = " ".join(done.stderr.split())
    assert "states of features have fewer than 20 training rows" in said
    assert "purpose retraining (6)" in said


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


@pytest.mark.long
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
    assert "algorithms can be compared only for the task default" in str(done.exception)


def test_generate_writes_what_it_says_and_nothing_for_a_model_it_does_not_know(scoreline, tmp_path):
    done = scoreline(
        "generate", "loan-risk", "--rows", "20", "--seed", "3", "--output", "a/b.parquet"
    )
    refused = scoreline("generate", "unknown")

    assert "20 invented rows" in done.output
    assert parquet.read_metadata(tmp_path / "a" / "b.parquet").num_rows == 20
    assert "no generator for this model" in str(refused.exception)
    assert not (tmp_path / "unknown.parquet").exists()


def test_a_rejected_version_is_published_and_fails_where_that_is_asked(scoreline, registry):
    few = german_credit().splitlines(keepends=True)[:201]
    with open("few.csv", "wb") as file:
        file.writelines([*few, *few[1:11]])

    done = scoreline(
        *("train", "german-credit", "--dataset", "few.csv", "--fail-on-rejected", "--json")
    )

    assert done.exit_code == 3, done.output
    published = json.loads(done.stdout)
    assert published["status"] == "rejected"
    assert "10 rows equal an earlier one" in done.stderr
    assert registry.versions("german-credit") == [published["version"]]
    assert not all(gate["passed"] for gate in published["gates"])
