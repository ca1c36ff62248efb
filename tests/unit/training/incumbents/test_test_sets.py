import pandas as pd
import pytest

from tests.sample import DEFINITION, applicants, definition
from training.data.load import load_dataset
from training.incumbents.test_sets import MAX_COUNTED, count_version, describe_test_set

WITHOUT_ID = DEFINITION.replace('id = "applicant"\n', "")
BY_TIME = WITHOUT_ID.replace("[split]", '[split]\nmethod = "time"\ncolumn = "day"')


def test_only_the_latest_test_sets_are_counted():
    counts = {}
    for number in range(MAX_COUNTED + 5):
        counts = count_version(counts, f"t{number}")
        counts = count_version(counts, "often")

    assert len(counts) == MAX_COUNTED
    assert counts["often"] == MAX_COUNTED + 5
    assert "t0" not in counts


@pytest.mark.parametrize("text", [DEFINITION, BY_TIME], ids=["id", "time"])
def test_the_rows_of_another_export_are_the_same_test_set(tmp_path, text):
    frame = applicants(200).assign(day=pd.date_range("2020-01-01", periods=200))
    found = definition(tmp_path, text)

    def judged(rows):
        rows.to_parquet(tmp_path / "data.parquet")
        dataset = load_dataset(found, str(tmp_path / "data.parquet"))
        return describe_test_set(dataset, {})["fingerprint"]

    assert judged(frame) == judged(frame.sample(frac=1, random_state=1))
    assert judged(frame) != judged(frame[:-1])
