"""Splits by time: from a date or for a share, without rows whose outcome is not yet known."""

import numpy as np
import pandas as pd
import pytest

from scoreline.core.errors import DatasetError
from tests.sample import DEFINITION, applicants, definition
from training.data.load import load_dataset
from training.data.split import split_rows


def split(tmp_path, days, keys="", seen=None):
    """Definition and dataset with a split by the days of the rows."""
    frame = applicants(len(days)).assign(day=days)
    if seen is not None:
        frame["seen"] = seen
    frame.to_parquet(tmp_path / "data.parquet")
    text = DEFINITION.replace("[split]\ntest_share = 0.3", "[split]\n" + keys)
    text = text.replace("[split]", '[split]\nmethod = "time"\ncolumn = "day"')
    found = definition(tmp_path, text)
    return found, load_dataset(found, str(tmp_path / "data.parquet"))


def held_out(tmp_path, days, keys=""):
    """The days that are held out."""
    found, dataset = split(tmp_path, days, keys)
    _, test = split_rows(found.split, dataset)
    return pd.Series(days)[dataset.rows[test]]


DAYS = pd.date_range("2018-01-01", periods=365)


@pytest.mark.parametrize(
    "start", ["2018-10-01", '"2018-10-01"', '"2018-10"', '"Oct-2018"', '"2018Q4"']
)
def test_rows_are_held_out_from_a_date(tmp_path, start):
    assert held_out(tmp_path, DAYS, f"from = {start}").min() == pd.Timestamp("2018-10-01")


def test_rows_are_held_out_from_a_number(tmp_path):
    assert held_out(tmp_path, range(100), "from = 60").tolist() == list(range(60, 100))


@pytest.mark.parametrize(
    ("days", "start", "message"),
    [
        (DAYS, "60", "split.from: is a number, but day holds dates"),
        (range(100), '"2018-10"', "split.from: is a date, but day holds numbers"),
        (DAYS, '"2019-01-01"', "no row is left to test on"),
        (DAYS, '"2018-01-01"', "no row is left to train on$"),
    ],
)
def test_a_start_that_does_not_fit_the_column_is_refused(tmp_path, days, start, message):
    with pytest.raises(DatasetError, match=message):
        held_out(tmp_path, days, f"from = {start}")


def test_the_share_is_the_nearest_that_times_allow(tmp_path):
    months = np.repeat(range(10), 40)

    assert set(held_out(tmp_path, months, "test_share = 0.28")) == {7, 8, 9}
    assert set(held_out(tmp_path, months, "test_share = 0.23")) == {8, 9}


def test_a_share_that_months_are_too_coarse_for_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="nearest to 25% is 33%; ask for that, or give `from`"):
        held_out(tmp_path, np.repeat(range(3), 40), "test_share = 0.25")


def test_rows_whose_outcome_is_not_yet_known_are_left_out_and_counted(tmp_path):
    keys = 'outcome_window_days = 90\nobserved_at = "2018-12-31"'

    _, dataset = split(tmp_path, DAYS, keys)

    rule = "day: decided within 90 days of the observation"
    assert dataset.exclusions == {rule: 90}
    assert dataset.rows.tolist() == list(range(275))


def test_outcomes_may_be_observed_at_a_time_of_each_row(tmp_path):
    seen = DAYS + pd.to_timedelta(np.where(np.arange(365) % 5, 100, 80), "D")
    keys = 'outcome_window_days = 90\nobserved_at = "seen"'

    _, dataset = split(tmp_path, DAYS, keys, seen)

    assert dataset.exclusions == {"day: decided within 90 days of the observation": 73}


@pytest.mark.parametrize(
    ("unit", "known_until"), [("D", "2018-07-15"), ("M", "2018-06-30"), ("Q", "2018-06-30")]
)
def test_the_window_of_a_month_or_quarter_counts_from_its_end(tmp_path, unit, known_until):
    days = DAYS if unit == "D" else DAYS.to_period(unit).to_timestamp()
    keys = 'outcome_window_days = 30\nobserved_at = "2018-08-14"'

    _, dataset = split(tmp_path, days, keys)

    assert DAYS[dataset.rows].max() == pd.Timestamp(known_until)


def test_a_date_that_stands_for_never_does_not_make_months_into_days(tmp_path):
    days = DAYS.to_period("M").to_timestamp().astype("datetime64[s]").to_numpy().copy()
    days[3] = np.datetime64("9999-12-31")
    keys = 'outcome_window_days = 30\nobserved_at = "2018-08-14"'

    _, dataset = split(tmp_path, days, keys)

    assert dataset.rows.max() == 180  # 30 June


def test_an_outcome_window_takes_dates(tmp_path):
    with pytest.raises(DatasetError, match="day: an outcome window takes dates"):
        split(tmp_path, range(100), 'outcome_window_days = 90\nobserved_at = "2018-12-31"')


def test_dates_that_stand_for_never_are_left_out_and_counted(tmp_path):
    days = DAYS.astype("datetime64[s]").to_numpy().copy()
    days[3] = np.datetime64("9999-12-31")

    _, dataset = split(tmp_path, days)

    assert dataset.exclusions == {"day: the date is not between 1900 and 2100": 1}
