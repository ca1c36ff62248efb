"""What stands beside the answers: columns of the input, explanations, the summary."""

import csv
from collections import Counter
from io import StringIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from batch.output import _harmless
from batch.summary import Tally
from scoreline.core.errors import BatchError
from tests import sample


@pytest.fixture
def frame():
    return sample.applicants(600, seed=4)


def read(path):
    return parquet.read_table(path).to_pandas()


def test_kept_columns_stand_between_the_id_and_the_answers(run, tmp_path, frame):
    frame.loc[[3, 400], "housing"] = "castle"
    frame["score"] = np.arange(600)
    frame["note"] = "n"
    frame.to_parquet(tmp_path / "in.parquet")

    run("in.parquet", ids="applicant", keep=["note", "score", "housing"])

    found = read(tmp_path / "out.parquet")
    assert list(found)[:5] == ["id", "note", "input_score", "housing", "probability_of_default"]
    kept = frame.drop(index=[3, 400])
    assert found["input_score"].tolist() == kept["score"].tolist()
    assert found["housing"].astype(object).where(found["housing"].notna(), None).tolist() == (
        kept["housing"].astype(object).where(kept["housing"].notna(), None).tolist()
    )


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_all_columns_are_kept(run, tmp_path, frame, kind):
    getattr(frame, f"to_{kind}")(tmp_path / f"in.{kind}", index=False)

    run(f"in.{kind}", f"out.{kind}", ids="applicant", keep=["all"])

    found = getattr(pd, f"read_{kind}")(tmp_path / f"out.{kind}")
    assert set(frame) - {"applicant"} <= set(found)
    assert len(found) == 600


@pytest.mark.parametrize(
    ("keep", "problem"),
    [
        (["nobody"], "the file has no such column"),
        (["list"], "cannot be written as CSV"),
        (["bytes"], "cannot be written as CSV"),
        (["score", "input_score"], "is also the name of another column"),
        (["note", "all"], "the file has no such column"),
    ],
)
def test_columns_that_cannot_be_kept_are_named(run, tmp_path, frame, keep, problem):
    frame = frame.assign(list=[[1]] * 600, bytes=b"x", score=1, input_score=1, note="")
    frame.to_parquet(tmp_path / "in.parquet")

    with pytest.raises(BatchError) as refused:
        run("in.parquet", "out.csv", ids="applicant", keep=keep)

    assert {problem} == {field.rule.partition(";")[0] for field in refused.value.fields}


def test_another_choice_of_columns_does_not_resume_a_run(start, tmp_path, frame):
    frame.to_parquet(tmp_path / "in.parquet")
    requests = [
        start("in.parquet", **options)._request()
        for options in ({}, {"keep": ["housing"]}, {"contributions": True})
    ]

    assert len({str(request) for request in requests}) == 3


def test_contributions_add_up_to_the_margin_and_are_those_of_an_answer(run, tmp_path, frame):
    frame.to_parquet(tmp_path / "in.parquet")

    run("in.parquet", ids="applicant", contributions=True)

    found = read(tmp_path / "out.parquet")
    contributions = found.filter(like="contribution_")
    base = found["margin"] - contributions.sum(axis=1)
    assert contributions.shape[1] > 3
    assert np.ptp(base) < 1e-5
    assert "reason_1" not in found


def test_reasons_have_texts(run, tmp_path, frame):
    frame.to_parquet(tmp_path / "in.parquet")

    run("in.parquet", ids="applicant", reasons=True)

    found = read(tmp_path / "out.parquet")
    assert found["reason_1_text"].str.len().min() > 3
    assert found.groupby("reason_1")["reason_1_text"].nunique().max() <= 2  # or it is missing


def test_the_summary_counts_decisions_scores_and_rules(run, tmp_path, frame):
    frame.loc[[3, 400, 401], "housing"] = "castle"
    frame.to_parquet(tmp_path / "in.parquet")

    tally = run("in.parquet", ids="applicant", part_rows=128).tally

    found = read(tmp_path / "out.parquet")
    assert tally.choices == Counter(found["decision"])
    assert tally.broken_rules == [
        {"field": "housing", "rule": "must be one of: own, rent", "rows": 3}
    ]
    distribution = tally.score_distribution
    for name, share in {"p05": 5, "p25": 25, "median": 50, "p75": 75, "p95": 95}.items():
        assert distribution[name] == np.percentile(found["score"], share, method="inverted_cdf")
    assert distribution["min"] == found["score"].min()
    assert distribution["max"] == found["score"].max()
    assert distribution["mean"] == pytest.approx(found["score"].mean(), abs=0.05)


def test_a_file_without_a_row_has_an_empty_summary():
    assert (Tally().score_distribution, Tally().broken_rules) == (None, [])


FORMULAS = ["=1+1", "@SUM(A1)", "+1-2", "-1+cmd|' /C calc'!A0", "\t=1", "\r=1", "＝1+1", "-", "+"]


def test_no_cell_of_a_csv_file_is_a_formula(run, tmp_path, frame):
    frame = frame.assign(applicant=frame["applicant"].astype(str), note="", **{"=2+2": 1})
    frame.loc[: len(FORMULAS) - 1, "applicant"] = FORMULAS
    frame.loc[: len(FORMULAS) - 1, "note"] = FORMULAS
    frame.loc[5:6, "housing"] = "castle"
    frame.to_parquet(tmp_path / "in.parquet")

    summary = run("in.parquet", "out.csv", ids="applicant", keep=["note", "=2+2"])

    for path in (tmp_path / "out.csv", summary.rejections):
        text = path.read_text(newline="")
        cells = [cell for row in csv.reader(StringIO(text, newline="")) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "@", "\t", "\r", "＝"))]
        assert not [cell for cell in cells if cell in ("+1-2", "-", "+")]


def test_ids_in_parquet_stay_as_they_are(run, tmp_path, frame):
    frame = frame.assign(applicant=frame["applicant"].astype(str))
    frame.loc[0, "applicant"] = "=1+1"
    frame.to_parquet(tmp_path / "in.parquet")

    run("in.parquet", ids="applicant")

    assert read(tmp_path / "out.parquet")["id"][0] == "=1+1"


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False).map(str), st.integers().map(str)))
def test_a_plain_number_is_no_formula(number):
    [cell] = _harmless(pa.chunked_array([[number]])).to_pylist()

    assert cell == number or "e" in number


@given(st.text(max_size=8))
def test_a_text_is_escaped_by_one_apostrophe_or_stays(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    [cell] = _harmless(pa.chunked_array([[text]])).to_pylist()

    assert cell in (text, f"'{text}")
    assert not cell.startswith(("=", "@", "\t", "\r", "\n"))
