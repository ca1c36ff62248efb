import math

import boto3
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import csv, parquet

from scoreline.core.errors import InvalidApplicationError
from tests import sample

FIGURES = ("probability_of_default", "score", "risk_score", "risk_level", "decision")
COLUMNS = (*FIGURES, "unseen", "unlearned", "version")
TYPES = pa.schema(
    {
        "id": pa.string(),
        "income": pa.float64(),
        "debt": pa.float64(),
        "enquiries": pa.float64(),
        "region": pa.string(),
        "housing": pa.string(),
        "employed": pa.bool_(),
    }
)
AMOUNTS = st.sampled_from(
    [None, -99.0, -98.0, -1.0, -0.5, 0.0, 1.0, 2.5, 50.0, 51.0, 1e6, 1e7, 1e30, math.inf, -math.inf]
)
APPLICATIONS = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["a", "b" * 128, "", "c" * 129, None, "ä"]),
        "income": AMOUNTS | st.floats(0, 1e6),
        "debt": AMOUNTS | st.floats(0, 1e7, width=32),
        "enquiries": AMOUNTS | st.integers(0, 50).map(float),
        "region": st.sampled_from(["north", "south", "west", "east", "", None]),
        "housing": st.sampled_from(["own", "rent", "castle", "", None]),
        "employed": st.sampled_from([True, False, None]),
    }
)


def one_by_one(single, applications):
    """Answers, and (row, field, rule) of each refusal, from single scoring."""
    answers, broken = [], []
    for number, application in enumerate(applications, 1):
        try:
            [answer] = single.answer([(application, single.encoder.encode(application))])
            answers.append(
                {
                    "id": answer["id"],
                    **{name: answer[name] for name in FIGURES},
                    "unseen": ",".join(answer.get("unseen", ())) or None,
                    "unlearned": ",".join(answer.get("unlearned", ())) or None,
                    "version": answer["version"],
                }
            )
        except InvalidApplicationError as error:
            broken += [(number, field.field, field.rule) for field in error.fields]
    return answers, broken


def rejections(path):
    table = parquet.read_table(path).to_pydict()
    return list(zip(table["row"], table["field"], table["rule"], strict=True))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(applications=st.lists(APPLICATIONS, min_size=1, max_size=20))
def test_a_file_is_scored_and_refused_as_its_applications_are(run, single, tmp_path, applications):
    parquet.write_table(pa.Table.from_pylist(applications, TYPES), tmp_path / "in.parquet")

    summary = run("in.parquet", part_rows=8, restart=True)

    answers, broken = one_by_one(single, applications)
    assert parquet.read_table(tmp_path / "out.parquet").to_pylist() == answers
    assert rejections(summary.rejections) == broken
    assert summary.rows - summary.rejected == len(answers)


def applications_of(frame):
    return [
        {name: value for name, value in row.items() if not pd.isna(value)}
        for row in frame.to_dict("records")
    ]


@pytest.fixture
def frame():
    frame = sample.applicants(3000, seed=5).drop(columns=["outcome", "sex"])
    frame["applicant"] = "A" + frame["applicant"].astype(str)
    frame.loc[::50, "housing"] = "castle"
    frame.loc[::70, "debt"] = -5.0
    return frame


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_thousands_of_rows_come_out_bit_for_bit_as_alone(run, single, tmp_path, frame, kind):
    getattr(frame, f"to_{kind}")(tmp_path / f"in.{kind}", index=False)

    run(f"in.{kind}", ids="applicant")

    answers, _ = one_by_one(single, applications_of(frame.rename(columns={"applicant": "id"})))
    assert parquet.read_table(tmp_path / "out.parquet").to_pylist() == answers


def test_reasons_are_those_of_a_single_application(run, single, tmp_path, frame):
    frame[1:300].to_parquet(tmp_path / "in.parquet")

    run("in.parquet", ids="applicant", reasons=True)

    found = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    rows = {row["applicant"]: row for row in frame.to_dict("records")}
    for row in found:
        [application] = applications_of(pd.DataFrame([rows[row["id"]]]).drop(columns="applicant"))
        [answer] = single.answer([(application, single.encoder.encode(application))])
        assert [row[f"reason_{i}"] for i in range(1, 5) if row[f"reason_{i}"]] == [
            reason["code"] for reason in answer["reasons"]
        ]
        assert row["reason_1_points"] == answer["reasons"][0]["points"]


def test_rows_without_an_id_are_known_by_their_number(run, tmp_path):
    frame = sample.applicants(600, seed=2).drop(columns="applicant")
    frame.loc[[3, 400], "housing"] = "castle"
    frame.to_parquet(tmp_path / "in.parquet")

    summary = run("in.parquet")

    numbers = parquet.read_table(tmp_path / "out.parquet")["row"].to_pylist()
    assert numbers == [n for n in range(1, 601) if n not in (4, 401)]
    rule = "must be one of: own, rent"
    assert rejections(summary.rejections) == [(4, "housing", rule), (401, "housing", rule)]


def test_a_rejection_names_the_row_its_id_and_every_rule_but_no_value(run, tmp_path):
    broken = {**sample.APPLICATION, "income": -7.25, "housing": "castle", "employed": None}
    rows = [{"id": "fine", **sample.APPLICATION}, {"id": "odd", **broken}]
    pd.DataFrame(rows).to_csv(tmp_path / "in.csv", index=False)

    summary = run("in.csv", "out.csv")

    text = summary.rejections.read_text()
    assert summary.rejections.name == "out.rejected.csv"
    assert '2,"odd","housing","must be one of: own, rent"' in text
    assert '2,"odd","employed","is required"' in text
    assert '2,"odd","income","must be at least 0 and at most 1000000, or a special code' in text
    assert "7.25" not in text
    assert "castle" not in text


def test_text_of_a_csv_file_is_read_or_rejected_row_by_row(run, tmp_path):
    fields = dict.fromkeys(["income", "debt", "enquiries", "region", "housing", "employed"])
    rows = [
        {**fields, "debt": "1e3", "housing": "own", "employed": "TRUE"},
        {**fields, "debt": "1,5", "housing": "own", "employed": "0"},
        {**fields, "debt": "12", "enquiries": "two", "housing": "rent", "employed": "perhaps"},
        {**fields, "debt": "NA", "enquiries": "2.5", "housing": "rent", "employed": "false"},
    ]
    csv.write_csv(pa.Table.from_pylist(rows), tmp_path / "in.csv")

    summary = run("in.csv")

    assert parquet.read_table(tmp_path / "out.parquet")["row"].to_pylist() == [1]
    assert rejections(summary.rejections) == [
        (2, "debt", "must be a number"),
        (3, "enquiries", "must be an integer"),
        (3, "employed", "must be true or false"),
        (4, "debt", "is required"),
        (4, "enquiries", "must be an integer"),
    ]


def test_columns_of_datasets_are_read_as_training_reads_them(run, tmp_path):
    """Integers for truth values, categories as such, narrow numbers, columns without a value."""
    frame = sample.applicants(300, seed=3).drop(columns=["applicant", "income"])
    frame.to_parquet(tmp_path / "plain.parquet")
    frame["income"] = None
    frame["employed"] = frame["employed"].astype(np.int8)
    frame["region"] = frame["region"].astype("category")
    frame["enquiries"] = frame["enquiries"].astype(np.float32)
    frame.to_parquet(tmp_path / "other.parquet")

    run("plain.parquet", "plain-out.parquet")
    run("other.parquet", "other-out.parquet")

    plain, other = (parquet.read_table(tmp_path / f"{n}-out.parquet") for n in ("plain", "other"))
    assert plain.equals(other)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
@pytest.mark.parametrize("rows", [0, 1])
def test_files_of_no_row_or_none_that_is_accepted_give_empty_ones(run, tmp_path, kind, rows):
    table = pa.Table.from_pylist([{**sample.APPLICATION, "debt": -1.0}] * rows, TYPES)
    parquet.write_table(table.drop(["id"]), tmp_path / "in.parquet")

    summary = run("in.parquet", f"out.{kind}")

    assert (summary.rows, summary.rejected) == (rows, rows)
    read = parquet.read_table if kind == "parquet" else csv.read_csv
    out = read(tmp_path / f"out.{kind}")
    assert (out.num_rows, out.column_names) == (0, ["row", *COLUMNS])
    assert read(summary.rejections).num_rows == rows


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_file_in_s3_is_scored_as_one_on_the_disk(start, run, endpoint, settings, tmp_path, kind):
    getattr(sample.applicants(600, seed=6), f"to_{kind}")(tmp_path / f"in.{kind}", index=False)
    boto3.client("s3").upload_file(str(tmp_path / f"in.{kind}"), settings.bucket, f"in.{kind}")

    batch = start(f"in.{kind}", "remote.parquet", at=f"s3://{settings.bucket}/in.{kind}")
    batch.run(lambda _done, _total: None)
    run(f"in.{kind}")

    here, there = (parquet.read_table(tmp_path / f"{n}.parquet") for n in ("out", "remote"))
    assert there.equals(here)
