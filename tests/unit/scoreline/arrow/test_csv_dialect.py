import csv
import io

import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreline.arrow.columns import parsed_numbers
from scoreline.arrow.csv_dialect import Dialect, dialect_of, is_csv, problem_of

ROWS = [["id", "amount", "housing"], ["1", "2.5", "own"], ["2", "3.5", "für zwei; drei"]]


def written(rows, delimiter=",", encoding="utf8"):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf8", "utf-8-sig", "cp1252", "utf-16"])
def test_delimiter_and_encoding_are_found(delimiter, encoding):
    found = dialect_of(written(ROWS, delimiter, encoding))

    assert found.delimiter == delimiter
    assert found.encoding == encoding.replace("utf-8-sig", "utf8")


def test_a_decimal_comma_is_found_where_commas_separate_nothing():
    rows = [["id", "amount"], ["1", "2,5"], ["2", "1.003,75"]]

    assert dialect_of(written(rows, ";")).decimal == ","
    assert dialect_of(written([["id", "amount"], ["1", "2.5"]], ";")).decimal == "."
    assert dialect_of(b'id,amount\n1,"2,5"\n').decimal == "."


@given(
    st.lists(
        st.tuples(st.integers(), st.floats(0, 1e9, allow_nan=False).map(lambda x: f"{x:.2f}")),
        min_size=2,
        max_size=30,
    ),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf8", "utf-16", "cp1252"]),
)
def test_drawn_files_are_read_as_they_were_written(cells, delimiter, encoding):
    header = ["größe", "amount"]
    content = written([header, *cells], delimiter, encoding)
    dialect = dialect_of(content)

    table = pa.csv.read_csv(io.BytesIO(content), dialect.read(), dialect.parse)

    assert table.schema.names == header
    assert table["amount"].to_pylist() == [float(amount) for _, amount in cells]


@given(st.binary(max_size=300))
def test_any_bytes_have_a_dialect_and_a_problem_in_words(content):
    dialect = dialect_of(content)

    assert isinstance(problem_of(io.BytesIO(content), dialect), str)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"a,b,c\n1,2,3\n1,2\n", "line 3 (row 2) has 2 fields in place of 3"),
        (b"a,b\n" + b"1,2\n" * 40 + b"1,2,3\n", "line 42 (row 41) has 3 fields in place of 2"),
    ],
)
def test_the_cause_is_named_without_a_value(content, problem):
    assert problem_of(io.BytesIO(content), dialect_of(content)) == problem


def test_names_of_csv_files():
    assert all(is_csv(name) for name in ("a.csv", "a.tsv", "a.csv.gz", "a.tsv.zst"))
    assert not any(is_csv(name) for name in ("a.parquet", "a.gz", "a.csv.zip"))


def test_only_what_is_unusual_is_remarked():
    assert Dialect().remark == ""
    assert Dialect(";", "cp1252", ",").remark == (
        "separated by semicolons, encoded as cp1252, with decimal commas"
    )


def test_numbers_as_text_are_parsed_and_others_marked():
    values, wrong = parsed_numbers(pa.chunked_array([["1.5", " 2 ", "n/a", None, "x", "."]]))

    assert [None if v != v else v for v in values.tolist()] == [1.5, 2.0, None, None, None, None]
    assert wrong.tolist() == [False, False, False, False, True, False]
    assert parsed_numbers(pa.chunked_array([["1,5"]]), ",")[0].tolist() == [1.5]
