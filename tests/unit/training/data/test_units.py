"""Random draws by unit: the same in every order of the rows, and no unit on both sides."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreline.core.errors import DatasetError
from tests.sample import DEFINITION, applicants, definition
from training.data.load import load_dataset
from training.data.split import split_rows
from training.data.units import places

WITHOUT_ID = DEFINITION.replace('id = "applicant"\n', "")
GROUPED = DEFINITION.replace('id = "applicant"', 'id = "applicant"\ngroup = "customer"')
BY_TIME = GROUPED.replace("[split]", '[split]\nmethod = "time"\ncolumn = "day"')


def loaded(tmp_path, frame, text=DEFINITION):
    frame.to_parquet(tmp_path / "data.parquet")
    found = definition(tmp_path, text)
    return found, load_dataset(found, str(tmp_path / "data.parquet"))


def held_out(tmp_path, frame, text=DEFINITION):
    """The rows of the frame that are trained on, and those that are tested on."""
    found, dataset = loaded(tmp_path, frame, text)
    return [frame.iloc[dataset.rows[rows]] for rows in split_rows(found.split, dataset)]


def customers(rows, seed=1):
    """Applications of customers, of whom many have several."""
    drawn = np.random.default_rng(seed).integers(0, rows // 2, rows)
    return applicants(rows).assign(customer=drawn, day=np.arange(rows))


@given(st.integers(0, 10_000))
def test_a_range_of_places_holds_its_share_of_the_rows_of_each_class(seed):
    rng = np.random.default_rng(seed)
    unit = rng.permutation(1000).astype(np.uint64)
    y = (rng.random(1000) < 0.2).astype(np.int8)

    held = places(unit, y, seed) < 0.3

    assert held.sum() == pytest.approx(300, abs=1)
    assert y[held].sum() == pytest.approx(0.3 * y.sum(), abs=0.51)


@given(st.integers(0, 10_000))
def test_places_belong_to_units_and_not_to_positions(seed):
    rng = np.random.default_rng(seed)
    unit = rng.integers(0, 40, 100).astype(np.uint64)
    y = rng.integers(0, 2, 100).astype(np.int8)
    order = rng.permutation(100)

    place = places(unit, y, 1)

    assert (place[order] == places(unit[order], y[order], 1)).all()
    assert len(set(zip(unit, place, strict=True))) == len(set(unit))
    assert (place != places(unit, y, 2)).any()


@pytest.mark.parametrize("text", [DEFINITION, GROUPED, BY_TIME])
def test_the_split_is_the_same_in_every_order_of_the_file(tmp_path, text):
    frame = customers(600)

    train, test = held_out(tmp_path, frame, text)
    others = held_out(tmp_path, frame.sample(frac=1, random_state=3), text)

    assert [set(part["applicant"]) for part in others] == [
        set(part["applicant"]) for part in (train, test)
    ]


@pytest.mark.parametrize("text", [GROUPED, BY_TIME])
def test_a_customer_is_on_one_side_of_the_split(tmp_path, text):
    train, test = held_out(tmp_path, customers(600), text)

    assert not set(train["customer"]) & set(test["customer"])
    assert len(test) == pytest.approx(180, abs=3)


def test_earlier_rows_of_customers_who_are_held_out_are_not_trained_on(tmp_path):
    frame = customers(600)

    train, test = held_out(tmp_path, frame, BY_TIME)

    assert test["day"].min() == 420
    earlier = frame[frame["day"] < 420]
    assert set(train.index) == set(earlier.index[~earlier["customer"].isin(test["customer"])])


def test_rows_without_a_group_are_left_out_and_counted(tmp_path):
    frame = customers(600).astype({"customer": "Int64"})
    frame.loc[:4, "customer"] = None

    _, dataset = loaded(tmp_path, frame, GROUPED)

    assert dataset.exclusions == {"customer: the group is missing": 5}


def test_ids_whose_rows_differ_stop_training_and_group_is_proposed(tmp_path):
    frame = applicants(300)
    frame["applicant"] //= 3

    with pytest.raises(DatasetError, match=r'100 ids have rows that differ.*group = "applicant"'):
        loaded(tmp_path, frame)
    grouped = DEFINITION.replace('id = "applicant"', 'group = "applicant"')
    assert len(loaded(tmp_path, frame, grouped)[1].y) == 300


def test_copies_without_an_id_are_counted_and_stay_on_one_side(tmp_path):
    frame = applicants(300)
    twice = pd.concat([frame, frame], ignore_index=True)

    train, test = held_out(tmp_path, twice, WITHOUT_ID)

    assert loaded(tmp_path, twice, WITHOUT_ID)[1].repeated == 300
    assert not set(train["applicant"]) & set(test["applicant"])
    assert len(train) + len(test) == 600


def test_people_whom_few_features_cannot_tell_apart_are_counted_and_drawn_alone(tmp_path):
    frame = applicants(300).assign(income=1000.0, debt=50.0, enquiries=1.0)

    found, dataset = loaded(tmp_path, frame, WITHOUT_ID)

    assert dataset.repeated > 200
    assert dataset.unit is None
    positions = [rows.tolist() for rows in split_rows(found.split, dataset)]
    alone = [rows.tolist() for rows in split_rows(found.split, replace(dataset, repeated=0))]
    assert positions == alone


@pytest.mark.parametrize("again", [" {}", "{}.0", "{} "])
def test_an_id_written_in_two_ways_is_one_id(tmp_path, again):
    frame = applicants(300).astype({"applicant": str})
    copy = frame[:40].assign(applicant=frame["applicant"][:40].map(again.format))

    both = pd.concat([frame, copy], ignore_index=True)
    assert loaded(tmp_path, both)[1].exclusions == {"applicant: duplicate of an earlier row": 40}
    with pytest.raises(DatasetError, match=r"40 ids have rows that differ"):
        loaded(tmp_path, pd.concat([frame, copy.assign(debt=1.0)], ignore_index=True))


@pytest.mark.parametrize("word", ["NULL", "NA", "nan", "  "])
def test_words_for_a_missing_group_or_id_are_not_one_customer(tmp_path, word):
    frame = customers(600).astype({"customer": str, "applicant": str})
    frame.loc[:4, "customer"] = word
    frame.loc[5:8, "applicant"] = word

    assert loaded(tmp_path, frame, GROUPED)[1].exclusions == {
        "applicant: the id is missing": 4,
        "customer: the group is missing": 5,
    }


def test_many_rows_without_an_id_are_refused_and_not_just_left_out(tmp_path):
    frame = applicants(300).astype({"applicant": str})
    frame.loc[:59, "applicant"] = ""

    with pytest.raises(DatasetError, match=r"over 10% .* 60 rows: applicant: the id is missing"):
        loaded(tmp_path, frame)


def test_a_group_that_is_too_large_for_the_share_of_test_rows_is_named(tmp_path):
    frame = customers(600)
    frame.loc[:359, "customer"] = -1

    with pytest.raises(DatasetError, match="one customer stay together, up to 60% of all rows"):
        held_out(tmp_path, frame, GROUPED)
    with pytest.raises(
        DatasetError, match="up to 100% of all rows, so 0% are drawn in place of 30%"
    ):
        held_out(tmp_path, frame.assign(customer=1), GROUPED)


def test_customers_who_are_all_tested_on_leave_nothing_to_train_on(tmp_path):
    frame = customers(600).assign(customer=np.arange(600) % 20)

    with pytest.raises(DatasetError, match=r"no row is left to train on; 420 earlier rows"):
        held_out(tmp_path, frame, BY_TIME)


def test_copies_of_which_a_few_outcomes_were_corrected_stay_on_one_side(tmp_path):
    frame = applicants(300)
    later = frame.copy()
    later.loc[:4, "outcome"] = later.loc[:4, "outcome"].map({"good": "bad", "bad": "good"})

    train, test = held_out(tmp_path, pd.concat([frame, later], ignore_index=True), WITHOUT_ID)

    assert not set(train["applicant"]) & set(test["applicant"])


def test_a_rising_id_may_order_the_split_by_time(tmp_path):
    text = DEFINITION.replace("[split]", '[split]\nmethod = "time"\ncolumn = "applicant"')

    train, test = held_out(tmp_path, applicants(300), text)

    assert test["applicant"].min() > train["applicant"].max()
    assert len(test) == 90
