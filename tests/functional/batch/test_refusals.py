import os

import pandas as pd
import pytest

from batch.model import load_batch_model
from scoreline.core.errors import BatchError, ModelNotFoundError, VersionRefusedError
from scoreline.core.versions import BATCH_FILE, bundle_key
from tests import sample


def fields(error):
    return {(field.field, field.rule) for field in error.value.fields}


def test_every_column_that_does_not_fit_is_named_at_once(run, tmp_path):
    frame = sample.applicants(20).drop(columns=["housing", "income"])
    frame.assign(debt="1").to_parquet(tmp_path / "in.parquet")

    with pytest.raises(BatchError) as error:
        run("in.parquet", ids="number")

    assert fields(error) == {
        ("housing", "is required, but the file has no such column"),
        ("debt", "the column is not of type number"),
        ("number", "the file has no such column"),
    }


def test_a_feature_that_may_be_missing_needs_no_column_and_is_named(run, tmp_path):
    sample.applicants(20).drop(columns="income").to_parquet(tmp_path / "in.parquet")

    assert run("in.parquet").absent == ["income"]


def test_a_file_that_is_not_of_its_type_is_refused(run, tmp_path):
    (tmp_path / "in.parquet").write_bytes(b"PAR1 but no more")

    with pytest.raises(BatchError, match="is damaged or not of the type that its name says"):
        run("in.parquet")


def test_a_truncated_csv_file_keeps_finished_parts(run, tmp_path):
    frame = sample.applicants(100_000)
    text = frame.to_csv(index=False)
    (tmp_path / "in.csv").write_text(text + "1,2\n")

    with pytest.raises(
        BatchError, match=r"line 100,002 \(row 100,001\) has 2 fields in place of 9"
    ):
        run("in.csv", part_rows=8192)

    assert (tmp_path / "out.parquet.parts").exists()
    assert not (tmp_path / "out.parquet").exists()


def test_a_file_that_changes_while_it_is_read_is_refused(start, tmp_path):
    path = tmp_path / "in.parquet"
    sample.applicants(2000, seed=1).to_parquet(path)

    def change(_done, _total):
        os.utime(path)

    with pytest.raises(BatchError, match="changed while it was read"):
        start("in.parquet").run(change)
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize(
    ("source", "output", "message"),
    [
        ("nowhere.parquet", "out.parquet", "no such file"),
        ("in.xlsx", "out.parquet", "neither a .parquet nor a .csv file"),
        ("in.parquet", "out.json", "neither a .parquet nor a .csv file"),
    ],
)
def test_names_that_say_no_kind_of_file_are_refused(run, source, output, message):
    with pytest.raises(BatchError, match=message):
        run(source, output)


def test_output_and_input_may_not_be_one_file(run, tmp_path):
    pd.DataFrame([sample.APPLICATION]).to_parquet(tmp_path / "in.parquet")

    with pytest.raises(BatchError, match="is also the input"):
        run("in.parquet", "in.parquet")


def test_a_version_is_scored_as_published_or_not_at_all(registry, settings, bundle):
    import boto3

    pointer = sample.publish(registry, bundle)
    assert load_batch_model(registry, "sample", bundle.version).version == bundle.version
    key = bundle_key("sample", pointer.champion.version, BATCH_FILE)
    boto3.client("s3").put_object(Bucket=settings.bucket, Key=key, Body=b"another")

    with pytest.raises(VersionRefusedError, match=f"{BATCH_FILE} does not match the manifest"):
        load_batch_model(registry, "sample")


def test_a_manifest_that_is_not_the_pointers_is_refused(registry, bundle):
    pointer = sample.publish(registry, bundle)
    other = type(pointer)(type(pointer.champion)(bundle.version, "0" * 64))
    registry.write_pointer("sample", other)

    with pytest.raises(VersionRefusedError, match="does not match the pointer"):
        load_batch_model(registry, "sample")


def test_nothing_promoted_is_said(registry):
    with pytest.raises(ModelNotFoundError, match="nothing is promoted"):
        load_batch_model(registry, "sample")
