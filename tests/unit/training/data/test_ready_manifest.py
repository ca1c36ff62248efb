import hashlib
import json

import pytest

from scoreline.core.errors import DatasetError
from tests.sample import applicants, definition
from training.data.formats import count_rows
from training.data.load import load_dataset
from training.data.ready_manifest import Ready, ReadyFile, read_ready

A, B = "a" * 64, "b" * 64
DIGEST = hashlib.sha256((A + B).encode()).hexdigest()


def manifest(**changes):
    files = [
        {"name": "b.csv", "rows": 2, "sha256": B},
        {"name": "a.parquet", "rows": 1, "sha256": A},
    ]
    return {"files": files, "rows": 3, "digest": DIGEST, **changes}


def with_file(**changes):
    return manifest(files=[{**manifest()["files"][0], **changes}, manifest()["files"][1]])


def read(content):
    return read_ready(json.dumps(content).encode())


def test_a_manifest_may_list_its_files_in_any_order():
    assert read(manifest()).rows == 3


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({}, "files: Field required; rows: Field required; digest: Field required"),
        ([], "Input should be an object"),
        (manifest(files=[]), "files: List should have at least 1 item"),
        (manifest(rows=4), "rows: is not the sum over the files"),
        (manifest(rows="3"), "rows: Input should be a valid integer"),
        (manifest(digest=A), "digest: is not the digest of the files' digests"),
        (manifest(count=3), "count: Extra inputs are not permitted"),
        (with_file(name="a.parquet"), "files: a name is given twice"),
        (with_file(name="../b.csv"), "files.0.name: expected the path of a .csv or .parquet file"),
        (with_file(name="/b.csv"), "files.0.name: expected the path"),
        (with_file(name="_b.csv"), "files.0.name: expected the path"),
        (with_file(name="b.json"), "files.0.name: expected the path"),
        (with_file(rows=0), "files.0.rows: Input should be greater than 0"),
        (with_file(sha256="b"), "files.0.sha256: String should match pattern"),
    ],
)
def test_a_manifest_that_breaks_its_schema_is_refused_by_field_and_rule(content, problem):
    with pytest.raises(DatasetError) as refused:
        read(content)

    assert refused.value.message.startswith("_READY.json: " + problem)


def test_a_manifest_that_is_not_json_is_refused():
    with pytest.raises(DatasetError, match=r"_READY\.json: Invalid JSON"):
        read_ready(b"{")


@pytest.fixture
def sample(tmp_path):
    return definition(tmp_path)


@pytest.fixture
def folder(tmp_path):
    """A dataset of two files with its manifest."""
    folder = tmp_path / "data"
    (folder / "year=2026").mkdir(parents=True)
    frame = applicants(200)
    frame[:80].to_parquet(folder / "b.parquet")
    frame[80:].to_csv(folder / "year=2026" / "a.csv", index=False)
    announce(folder, "b.parquet", "year=2026/a.csv")
    return folder


def announce(folder, *names, **changes):
    ready = Ready.of([ReadyFile.of(name, (folder / name).read_bytes()) for name in names])
    (folder / "_READY.json").write_text(json.dumps(ready.model_dump() | changes))
    return ready


def load(sample, folder):
    return load_dataset(sample, str(folder / "_READY.json"))


def test_a_manifest_and_its_folder_give_the_same_rows(sample, folder):
    dataset = load(sample, folder)

    assert len(dataset.y) == 200
    assert dataset.fingerprint == load_dataset(sample, str(folder)).fingerprint
    assert dataset.fingerprint == json.loads((folder / "_READY.json").read_text())["digest"]


def test_files_missing_from_the_manifest_are_not_read(sample, folder):
    (folder / "c.csv").write_text("nonsense")

    assert len(load(sample, folder).y) == 200


def test_a_file_that_is_missing_is_named(sample, folder):
    (folder / "year=2026" / "a.csv").unlink()

    with pytest.raises(DatasetError, match=r"names files that do not exist: .*a\.csv"):
        load(sample, folder)


def test_a_file_with_other_content_is_named(sample, folder):
    with open(folder / "year=2026" / "a.csv", "a") as file:
        file.write("\n")

    with pytest.raises(DatasetError, match=r"a\.csv: its SHA-256 is not the one in _READY\.json"):
        load(sample, folder)


def test_a_file_with_another_number_of_rows_is_named(sample, folder):
    files = [file.model_dump() for file in announce(folder, "b.parquet", "year=2026/a.csv").files]
    files[1]["rows"] += 1
    announce(folder, "b.parquet", "year=2026/a.csv", files=files, rows=201)

    with pytest.raises(DatasetError, match=r"a\.csv: holds 120 rows, _READY\.json says 121"):
        load(sample, folder)


@pytest.mark.parametrize("text", ["a,b\n1,2\n\n3,4", 'a,b\n"x ,y",2\n', "a\n1\n2\n3\n"])
def test_rows_are_counted_as_training_reads_them(text):
    import io

    from pyarrow import csv

    assert count_rows("a.csv", text.encode()) == csv.read_csv(io.BytesIO(text.encode())).num_rows


def test_an_invalid_file_cannot_be_announced():
    with pytest.raises(DatasetError, match=r"a\.parquet: is not a valid Parquet file"):
        ReadyFile.of("a.parquet", b"a,b\n1,2\n")


def test_a_file_with_an_invalid_name_cannot_be_announced():
    with pytest.raises(DatasetError, match=r"name: expected the path of a \.csv"):
        ReadyFile.of("November 2026.csv", b"a\n1\n")


def test_a_version_of_a_manifest_in_s3_is_read(aws, settings, sample, folder):
    import boto3

    s3 = boto3.client("s3")
    for name in ("b.parquet", "year=2026/a.csv"):
        body = (folder / name).read_bytes()
        s3.put_object(Bucket=settings.bucket, Key=f"datasets/sample/{name}", Body=body)
    key = "datasets/sample/_READY.json"
    body = (folder / "_READY.json").read_bytes()
    version = s3.put_object(Bucket=settings.bucket, Key=key, Body=body)["VersionId"]
    s3.put_object(Bucket=settings.bucket, Key=key, Body=b"{}")

    dataset = load_dataset(sample, f"s3://{settings.bucket}/{key}?versionId={version}")

    assert dataset.files[1] == f"s3://{settings.bucket}/datasets/sample/year=2026/a.csv"
    with pytest.raises(DatasetError, match="files: Field required"):
        load_dataset(sample, f"s3://{settings.bucket}/{key}")
