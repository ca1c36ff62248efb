"""Columns of times in every form that orders rows; the other forms are refused by name."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from scoreline.core.errors import DatasetError
from tests.sample import DEFINITION, applicants, definition
from training.data.load import load_dataset
from training.data.times import read_times

DAYS = [dt.date(2018, 5, 1), dt.date(2019, 12, 31), None]
MICROSECONDS = [1_525_132_800_000_000, 1_577_750_400_000_000]


def read(values, kind=None, form=""):
    return read_times(pa.table({"day": pa.chunked_array([pa.array(values, kind)])}), "day", form)


@pytest.mark.parametrize(
    "kind",
    [
        pa.date32(),
        pa.date64(),
        *(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")),
        pa.timestamp("ns", "Europe/Berlin"),
    ],
    ids=str,
)
def test_every_type_of_dates_is_microseconds_since_1970(kind):
    found = read(pa.array(DAYS).cast(pa.timestamp("s")).cast(kind, safe=False), kind)

    expected = MICROSECONDS
    assert found.dated
    assert found.values[:2].tolist() == expected
    assert np.isnan(found.values[2])


@pytest.mark.parametrize(
    "texts",
    [
        ["2018-05-01", "2019-12-31"],
        ["2018-05-01 00:00", "2019-12-31 00:00:00"],
        ["2018-05-01T00:00:00Z", "2019-12-31T02:00:00+02:00"],
        ["20180501", "20191231"],
        ["2018/5/1", "2019/12/31"],
        [" 2018-5-1", "2019-12-31 "],
    ],
    ids=lambda texts: texts[0],
)
@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
    ids=str,
)
def test_texts_of_days_are_dates(texts, kind):
    found = read(pa.array([*texts, None, "NA"]).cast(kind), kind)

    assert found.dated
    assert found.values[:2].tolist() == MICROSECONDS
    assert np.isnan(found.values[2:]).all()


@pytest.mark.parametrize("text", ["2018-05", "May-2018", "may 2018", "2018/5"])
def test_months_are_their_first_days(text):
    assert read([text]).values[0] == MICROSECONDS[0]


def test_quarters_are_their_first_days():
    assert (read(["2018Q2"]).values == read(["2018-04-01"]).values).all()


def test_whole_numbers_that_are_all_days_are_dates():
    assert read([20180501, 20191231, None]).values[:2].tolist() == MICROSECONDS
    assert read([20180501.0, 20191231.0]).dated
    for numbers in ([20180501, 20191331], [20180230], [201805], [17], [2.5], [float("inf")]):
        found = read(numbers)
        assert not found.dated
        assert found.values.tolist() == numbers


def test_durations_order_rows_as_numbers():
    found = read([dt.timedelta(days=2), dt.timedelta(days=1)])

    assert not found.dated
    assert found.values[0] > found.values[1]


@pytest.mark.parametrize("text", ["01.05.2018", "05/01/2018", "1-5-18", "2018", "201805", "soon"])
def test_dates_that_could_be_read_in_two_ways_are_refused_with_the_forms(text):
    with pytest.raises(DatasetError, match=r"day: not all dates .* 2018-05-01, .* %d\.%m\.%Y"):
        read(["2018-05-01", text])


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["01.05.2018", "31.12.2019"], "%d.%m.%Y"),
        (["05/01/2018", "12/31/2019"], "%m/%d/%Y"),
        (["1May18", "31Dec19"], "%d%b%y"),
        ([20180501, 20191231], "%Y%m%d"),
    ],
)
def test_a_declared_format_is_read(values, form):
    assert read(values, form=form).values.tolist() == MICROSECONDS


def test_a_declared_format_that_does_not_fit_is_named():
    with pytest.raises(DatasetError, match=r"day: not all dates are in the declared format, %d"):
        read(["2018-05-01"], form="%d.%m.%Y")


def test_times_with_and_without_a_zone_are_not_compared():
    with pytest.raises(DatasetError, match="day: some times have a zone and others have none"):
        read(["2018-05-01T00:00:00Z", "2018-05-01T00:00:00"])


@pytest.mark.parametrize("kind", [pa.time32("s"), pa.time64("us"), pa.bool_()], ids=str)
def test_what_orders_no_decisions_is_refused_by_its_type(kind):
    values = [True] if kind == pa.bool_() else [dt.time(12)]

    with pytest.raises(
        DatasetError, match=r"day: wrong type: a date or a number expected, .* found"
    ):
        read(values, kind)


def test_a_declared_format_keeps_the_zeros_of_a_csv(tmp_path):
    frame = applicants(60).assign(day=[f"{1 + n % 28:02}{1 + n // 28:02}2018" for n in range(60)])
    frame.to_csv(tmp_path / "data.csv", index=False)
    split = '[split]\nmethod = "time"\ncolumn = "day"\nformat = "%d%m%Y"'
    sample = definition(tmp_path, DEFINITION.replace("[split]", split))

    dataset = load_dataset(sample, str(tmp_path / "data.csv"))

    assert dataset.dated
    assert (np.diff(dataset.time) > 0).all()


def test_the_cases_are_dated_or_refused_by_name(data_dir):
    cases = data_dir.parent / "cases" / "data"
    if not cases.is_dir():
        pytest.skip("DATA_DIR has no cases beside it")
    formats = {"german": "%d.%m.%Y", "us": "%m/%d/%Y"}
    times = parquet.read_table(cases / "times.parquet")
    dates = csv.read_csv(cases / "dates.csv")
    for table, first in ((times, "ns"), (dates, "iso")):
        for column in table.column_names[table.column_names.index(first) :]:
            if column in ("time64", "time32"):
                with pytest.raises(DatasetError, match="a date or a number expected"):
                    read_times(table, column)
                continue
            found = read_times(table, column, formats.get(column, ""))
            assert found.dated == (column != "duration")
            if column != "far":  # it has 9999-12-31 in between
                assert (np.diff(found.values) >= 0).all()
