"""What each loan of a dataset brings if it is approved."""

import numpy as np
import pandas as pd
import pytest

from scoreline.core.errors import DatasetError
from tests.sample import DEFINITION, applicants, definition
from training.data.load import load_dataset

COLUMNS = """
[economics]
currency = "EUR"
profit_of_a_good = "earned"
loss_given_default = "lost"
exposure = "owed"

[split]"""


@pytest.fixture
def frame():
    """Goods have a profit and no loss, defaults a loss and no profit."""
    frame = applicants(200)
    good = frame["outcome"] == "good"
    frame["earned"] = np.where(good, np.arange(200) - 5.0, np.nan)
    frame["lost"] = np.where(good, np.nan, 0.4)
    frame["owed"] = np.where(good, np.nan, 1000.0)
    return frame


def load(tmp_path, frame, text=COLUMNS):
    frame.to_parquet(tmp_path / "data.parquet")
    found = definition(tmp_path, DEFINITION.replace("[split]", text))
    return load_dataset(found, str(tmp_path / "data.parquet"))


def test_goods_bring_their_profit_and_defaults_cost_their_loss(tmp_path, frame):
    dataset = load(tmp_path, frame)

    expected = frame["earned"].fillna(-400.0).to_numpy()
    assert dataset.value.tolist() == expected[dataset.rows].tolist()
    assert dataset.X.shape[1] == 6


def test_numbers_hold_for_all_rows_and_the_exposure_may_be_a_feature(tmp_path, frame):
    numbers = COLUMNS.replace('"earned"', "90").replace('"lost"', "0.5").replace("owed", "debt")

    dataset = load(tmp_path, frame, numbers)

    debt = frame["debt"].to_numpy()[dataset.rows]
    assert dataset.value == pytest.approx(np.where(dataset.y == 1, -0.5 * debt, 90))


@pytest.mark.parametrize(
    ("column", "outcome", "value", "message"),
    [
        ("earned", "good", np.nan, "profit_of_a_good: earned must be a number within 1,000,000,0"),
        ("earned", "good", np.inf, "profit_of_a_good: .* but is not for 3 goods"),
        ("lost", "bad", np.nan, "loss_given_default: lost must be a share from 0 to 1, but is not"),
        ("lost", "bad", 1.01, "loss_given_default: .* but is not for 3 defaults"),
        ("owed", "bad", -1.0, "exposure: owed must be a number from 0 to 1,000,000,000,000, but"),
    ],
)
def test_amounts_that_an_outcome_needs_are_checked(
    tmp_path, frame, column, outcome, value, message
):
    frame.loc[frame.index[frame["outcome"] == outcome][:3], column] = value

    with pytest.raises(DatasetError, match=f"economics.{message}"):
        load(tmp_path, frame)


def test_text_and_missing_columns_are_named(tmp_path, frame):
    with pytest.raises(DatasetError, match="owed: wrong type: number expected"):
        load(tmp_path, frame.assign(owed="much"))
    with pytest.raises(DatasetError, match="missing columns: owed"):
        load(tmp_path, frame.drop(columns="owed"))


def test_money_of_a_csv_is_read(tmp_path, frame):
    frame.to_csv(tmp_path / "data.csv", index=False)
    found = definition(tmp_path, DEFINITION.replace("[split]", COLUMNS))

    dataset = load_dataset(found, str(tmp_path / "data.csv"))

    assert pd.Series(dataset.value).lt(0).sum() >= (dataset.y == 1).sum()
