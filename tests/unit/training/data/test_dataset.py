import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scoreline.core.errors import DatasetError
from tests import shop
from tests.sample import DEFINITION, applicants, definition
from training.data.files import list_files
from training.data.load import load_dataset


@pytest.fixture
def sample(tmp_path):
    return definition(tmp_path)


def write(tmp_path, frame: pd.DataFrame, name="data.parquet") -> str:
    path = tmp_path / "data" / name
    path.parent.mkdir(exist_ok=True)
    frame.to_csv(path, index=False) if name.endswith("csv") else frame.to_parquet(path)
    return str(path)


def with_value(column, value, rows=1, count=100):
    frame = applicants(count).astype({column: object})
    frame.loc[: rows - 1, column] = value
    return frame


@pytest.mark.parametrize("name", ["data.csv", "data.parquet"])
def test_csv_and_parquet_give_the_same_rows(tmp_path, sample, name):
    frame = applicants(300)

    dataset = load_dataset(sample, write(tmp_path, frame, name))

    assert dataset.X.shape == (300, 6)
    assert dataset.X.dtype == np.float32
    np.testing.assert_allclose(dataset.X[:, 1], frame["debt"], rtol=1e-6)
    assert dataset.y.tolist() == (frame["outcome"] == "bad").astype(int).tolist()
    codes = frame["region"].map({"north": 0, "south": 1, "west": 2, "east": -1})
    np.testing.assert_array_equal(dataset.X[:, 3], codes.astype(np.float32))
    assert dataset.protected["sex"].tolist() == frame["sex"].tolist()
    assert dataset.exclusions == {}


def test_hidden_files_and_manifests_of_a_folder_are_not_read(tmp_path, sample):
    frame = applicants(200)
    write(tmp_path, frame[:80], "a.parquet")
    write(tmp_path, frame[80:], "b.csv")
    (tmp_path / "data" / "_READY.json").write_text("{}")
    (tmp_path / "data" / "_draft.csv").write_text("nonsense")

    dataset = load_dataset(sample, str(tmp_path / "data"))

    assert len(dataset.y) == 200
    assert [name.rsplit("/", 1)[-1] for name in dataset.files] == ["a.parquet", "b.csv"]


def test_partitions_belong_to_a_dataset_and_other_folders_do_not(tmp_path):
    for name in (
        "a.csv",
        "year=2026/month=10/b.csv",
        "20261121T080000Z/c.csv",
        "year=2026/x/d.csv",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("a\n1\n")

    names = [Path(f.name).relative_to(tmp_path).as_posix() for f in list_files(str(tmp_path))]

    assert names == ["a.csv", "year=2026/month=10/b.csv"]


def test_s3_folder_and_file(aws, registry, settings, sample):
    import boto3

    frame = applicants(100)
    body = io.BytesIO()
    frame.to_parquet(body)
    key = "datasets/sample/year=2026/part.parquet"
    boto3.client("s3").put_object(Bucket=settings.bucket, Key=key, Body=body.getvalue())
    boto3.client("s3").put_object(Bucket=settings.bucket, Key="datasets/sample-2/x.csv", Body=b"a")

    for path in ("datasets/sample", "datasets/sample/", key):
        assert len(load_dataset(sample, f"s3://{settings.bucket}/{path}").y) == 100


def test_labels_may_be_booleans_or_numbers(tmp_path, sample):
    for good, bad in ((False, True), (0, 1), (0.0, 1.0)):
        frame = applicants(50)
        frame["outcome"] = np.where(frame["outcome"] == "bad", bad, good)

        dataset = load_dataset(sample, write(tmp_path, frame))

        assert dataset.y.sum() == (frame["outcome"] == bad).sum()


def test_boolean_labels_survive_a_csv(tmp_path, sample):
    frame = applicants(60)
    frame["outcome"] = frame["outcome"] == "bad"

    dataset = load_dataset(sample, write(tmp_path, frame, "data.csv"))

    assert dataset.y.tolist() == frame["outcome"].astype(int).tolist()


def test_unseen_categories_are_counted_where_they_are_accepted(tmp_path, sample):
    frame = applicants(300)

    dataset = load_dataset(sample, write(tmp_path, frame))

    assert dataset.unseen == {"region": int((frame["region"] == "east").sum())}


def test_missing_labels_are_left_out_and_counted(tmp_path, sample):
    dataset = load_dataset(sample, write(tmp_path, with_value("outcome", None, rows=4)))

    assert dataset.exclusions == {"outcome: the label is missing": 4}
    assert (dataset.rows_read, len(dataset.y)) == (100, 96)


def test_equal_rows_of_an_id_are_kept_once(tmp_path, sample):
    frame = applicants(100)

    dataset = load_dataset(sample, write(tmp_path, pd.concat([frame, frame[:7]])))

    assert dataset.exclusions == {"applicant: duplicate of an earlier row": 7}
    assert len(dataset.y) == 100


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("debt", None, "debt: is required"),
        ("debt", -5, "debt: is out of range"),
        ("debt", np.inf, "debt: is out of range"),
        ("enquiries", 2.5, "enquiries: is not an integer"),
        ("employed", 0.5, "employed: is not an integer"),
        ("housing", "castle", "housing: is not among the categories"),
    ],
)
def test_rows_that_break_the_definition_are_left_out_and_counted(
    tmp_path, sample, column, value, rule
):
    frame = applicants(100).astype({"employed": float})
    frame.loc[:2, column] = value

    dataset = load_dataset(sample, write(tmp_path, frame))

    assert dataset.exclusions == {rule: 3}
    assert len(dataset.y) == 97


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f.drop(columns=["debt", "sex"]), "missing columns: debt, sex"),
        (lambda f: f.assign(debt="many"), "debt: wrong type: number expected"),
        (lambda f: f.assign(outcome="bad"), "outcome: the rows hold one class only"),
        (lambda f: f.assign(outcome=None), "no rows left; 100 rows: outcome: the label is missing"),
        (lambda f: f[:0], "no rows left"),
        (lambda f: f.assign(outcome="maybe"), "outcome: 100 rows hold a label that is not defined"),
        (lambda f: f.assign(housing="castle"), "no rows left"),
        (
            lambda f: f.assign(debt=np.where(f.index < 20, -1, f.debt)),
            "over 10% of the rows break",
        ),
    ],
)
def test_a_dataset_that_cannot_be_fitted_is_refused(tmp_path, sample, spoil, message):
    with pytest.raises(DatasetError, match=message.replace(".", r"\.")):
        load_dataset(sample, write(tmp_path, spoil(applicants(100))))


def test_a_path_without_data_is_refused(tmp_path, sample):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.parquet").write_bytes(b"no parquet")
    for path, message in (
        ("nowhere", "no such file or folder"),
        ("empty", "no .csv or .parquet file"),
        ("broken.parquet", "is not a valid"),
    ):
        with pytest.raises(DatasetError, match=message):
            load_dataset(sample, str(tmp_path / path))


def test_a_time_column_may_hold_dates_text_or_numbers(tmp_path):
    text = DEFINITION.replace("test_share = 0.3", 'method = "time"\ncolumn = "applied_at"')
    sample = definition(tmp_path, text)
    days = pd.date_range("2026-01-01", periods=60)
    for values in (days, days.strftime("%Y-%m-%d"), np.arange(60)):
        frame = applicants(60).assign(applied_at=values)

        dataset = load_dataset(sample, write(tmp_path, frame))

        assert (np.diff(dataset.time) > 0).all()


def test_rows_without_a_time_are_left_out_and_counted(tmp_path):
    text = DEFINITION.replace("test_share = 0.3", 'method = "time"\ncolumn = "month"')
    sample = definition(tmp_path, text)
    for missing in (None, np.nan):
        frame = applicants(60).assign(month=np.arange(60.0))
        frame.loc[:4, "month"] = missing

        dataset = load_dataset(sample, write(tmp_path, frame))

        assert dataset.exclusions == {"month: the time to split by is missing": 5}
        assert dataset.time.tolist() == list(range(5, 60))


def test_files_that_disagree_on_a_type_are_refused(tmp_path, sample):
    write(tmp_path, applicants(20), "a.parquet")
    write(tmp_path, applicants(20).assign(debt="many"), "b.parquet")

    with pytest.raises(DatasetError, match="another type in another file"):
        load_dataset(sample, str(tmp_path / "data"))


def test_a_damaged_file_is_refused(tmp_path, sample):
    path = write(tmp_path, applicants(2000))
    content = bytearray((tmp_path / "data" / "data.parquet").read_bytes())
    content[200:4000] = b"x" * 3800
    (tmp_path / "data" / "data.parquet").write_bytes(content)

    with pytest.raises(DatasetError, match="is not a valid"):
        load_dataset(sample, path)


def test_each_label_of_a_recommendation_has_a_column(tmp_path):
    frame = shop.customers(50)
    frame.loc[:2, "fund"] = None

    dataset = load_dataset(shop.definition(tmp_path), write(tmp_path, frame))

    assert dataset.exclusions == {"fund: the label is missing": 3}
    expected = frame.loc[3:, ["account", "has_card", "fund", "mortgage"]].astype(int)
    np.testing.assert_array_equal(dataset.y, expected)


def test_customers_who_all_own_the_same_products_are_refused(tmp_path):
    products = dict.fromkeys(["account", "has_card", "fund", "mortgage"], 1)

    with pytest.raises(DatasetError, match="the rows hold one class only"):
        load_dataset(
            shop.definition(tmp_path), write(tmp_path, shop.customers(50).assign(**products))
        )


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_numbers_in_text_with_spaces_are_read(tmp_path, suffix):
    frame = shop.customers(60).assign(age=[f"  {n}" for n in range(18, 78)])
    frame["income"] = ["     -99", " NA", "", *[f" {n}.5" for n in range(57)]]
    folder = tmp_path / "data"
    folder.mkdir()
    frame.to_csv(folder / "a.csv", index=False) if suffix == "csv" else frame.to_parquet(
        folder / "a.parquet"
    )

    dataset = load_dataset(shop.definition(tmp_path), str(folder))

    assert dataset.X[:4, 1].tolist() == [18, 19, 20, 21]
    assert dataset.X[3, 0] == 0.5
    assert dataset.no_amount["income"] == {"unknown": 1, "missing": 2}
