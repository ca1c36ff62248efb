"""Building the offline and the online table, and refusing broken sources."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import boto3
import pytest
from pyarrow import parquet

from features.build import build_offline, online_items
from features.home_credit.pipeline import HOME_CREDIT
from features.online import OnlineTable
from scoreline.aws.items import Items
from scoreline.core.errors import DatasetError, RegistryUnavailableError
from scoreline.definition.files import load_definition
from tests.customers import alike
from training.data.load import load_dataset
from training.generators.folders import generate_tables, write_tables

pytestmark = pytest.mark.slow

AS_OF = datetime(2026, 11, 21, 5, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables")
    write_tables(path, generate_tables("home-credit", 150, seed=1))
    return path


@pytest.fixture(scope="module")
def offline(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("offline") / "features.parquet"
    build_offline(HOME_CREDIT, str(folder), path)
    return path


@pytest.fixture
def online(aws, settings):
    return OnlineTable.connect(settings.features_table)


@pytest.mark.slow
def test_the_offline_table_is_a_dataset_of_the_model(offline):
    dataset = load_dataset(load_definition("home-credit"), str(offline))

    assert (len(dataset.y), dataset.exclusions) == (150, {})
    assert dataset.generated == [{"model": "home-credit", "seed": 1, "rows": 150}]


@pytest.mark.slow
def test_the_same_tables_give_the_same_offline_table(folder, offline, tmp_path):
    build_offline(HOME_CREDIT, str(folder), tmp_path / "again.parquet")

    assert alike(parquet.read_table(tmp_path / "again.parquet"), parquet.read_table(offline))


def test_a_customer_without_rows_is_there_without_features(offline):
    rows = parquet.read_table(offline).to_pylist()
    history = [[row[name] for name in HOME_CREDIT.features] for row in rows]

    assert 0 < sum(all(value is None for value in values) for values in history) < 60


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "bureau.parquet").unlink(), "bureau: no such table"),
        (
            lambda f: (f / "bureau.parquet").write_bytes(
                (f / "bureau_balance.parquet").read_bytes()
            ),
            "bureau: missing columns: SK_ID_CURR",
        ),
        (lambda f: (f / "bureau.parquet").write_bytes(b"PAR1"), "cannot be read"),
    ],
    ids=["table", "column", "file"],
)
def test_what_lacks_is_named_and_nothing_is_written(folder, tmp_path, change, message):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    change(tmp_path)
    output = tmp_path / "out" / "features.parquet"

    with pytest.raises(DatasetError, match=message):
        build_offline(HOME_CREDIT, str(tmp_path), output)

    assert not output.parent.exists()


def test_values_of_another_type_leave_the_old_table_as_it_was(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    previous = parquet.read_table(folder / "previous_application.parquet")
    texts = ["yesterday"] * previous.num_rows
    place = previous.schema.get_field_index("DAYS_DECISION")
    spoilt = previous.set_column(place, "DAYS_DECISION", [texts])
    parquet.write_table(spoilt, tmp_path / "previous_application.parquet")
    output = tmp_path / "features.parquet"
    output.write_bytes(b"the old one")

    with pytest.raises(DatasetError, match="cannot be read"):
        build_offline(HOME_CREDIT, str(tmp_path), output)

    assert output.read_bytes() == b"the old one"
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.slow
def test_a_table_may_come_in_parts_and_without_a_target(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    applications = parquet.read_table(folder / "application_train.parquet")
    ids = [1, *range(2, 1 + applications.num_rows)]
    place = applications.schema.get_field_index("SK_ID_CURR")
    others = applications.set_column(place, "SK_ID_CURR", [ids]).drop(["TARGET"])
    parquet.write_table(others, tmp_path / "application_test.parquet")

    rows = build_offline(HOME_CREDIT, str(tmp_path), tmp_path / "features.parquet")

    assert rows == 2 * applications.num_rows
    built = parquet.read_table(tmp_path / "features.parquet")
    assert built["TARGET"].null_count == applications.num_rows


def test_the_online_table_holds_what_the_offline_table_says(offline, online, settings):
    row = parquet.read_table(offline).to_pylist()[3]

    count = online.put(online_items(HOME_CREDIT, offline, AS_OF))

    key = {"customer": str(row["SK_ID_CURR"]), "pipeline": "home-credit"}
    item = Items.connect().get_item(settings.features_table, key)
    assert count == 150
    assert item["as_of"] == "2026-11-21T05:30:00+00:00"
    assert json.loads(item["features"]) == {
        name: value
        for name, value in row.items()
        if name in HOME_CREDIT.features
        if value is not None
    }


def test_loading_again_replaces(offline, online, settings):
    online.put(online_items(HOME_CREDIT, offline, AS_OF))

    online.put(online_items(HOME_CREDIT, offline, datetime(2026, 12, 1, tzinfo=UTC)))

    items = boto3.client("dynamodb").scan(TableName=settings.features_table)["Items"]
    assert len(items) == 150
    assert {item["as_of"]["S"] for item in items} == {"2026-12-01T00:00:00+00:00"}


class Throttled:
    """DynamoDB that processes some requests of a batch and leaves the others."""

    def __init__(self, takes):
        self.takes = takes
        self.taken = []

    def batch_write_item(self, RequestItems):
        [(table, requests)] = RequestItems.items()
        self.taken += requests[: self.takes]
        left = requests[self.takes :]
        return {"UnprocessedItems": {table: left} if left else {}}


def test_what_dynamodb_leaves_is_put_again_after_a_pause():
    pauses, dynamodb = [], Throttled(takes=10)
    items = [{"customer": str(n), "features": "{}"} for n in range(60)]

    count = OnlineTable("t", dynamodb, pauses.append).put(items)

    assert count == 60
    assert [r["PutRequest"]["Item"]["customer"]["S"] for r in dynamodb.taken] == [
        str(n) for n in range(60)
    ]
    assert len(pauses) == 2 + 2 + 0
    assert pauses[0] < pauses[1]


def test_a_table_that_takes_nothing_is_an_error():
    with pytest.raises(RegistryUnavailableError, match="unprocessed"):
        OnlineTable("t", Throttled(takes=0), lambda _: None).put(
            [{"customer": "1", "features": "{}"}]
        )


@pytest.mark.long
@pytest.mark.parametrize("customers", [40, 149, 150])
def test_partitions_give_the_same_table(folder, offline, tmp_path, monkeypatch, customers):
    monkeypatch.setattr("features.build.PARTITION_CUSTOMERS", customers)
    done = []

    build_offline(HOME_CREDIT, str(folder), tmp_path / "parts.parquet", lambda *of: done.append(of))

    assert alike(parquet.read_table(tmp_path / "parts.parquet"), parquet.read_table(offline))
    assert done[-1] == (150, 150)


PEAK = """
import resource, sys
from pathlib import Path
from features.build import build_offline
from features.home_credit.pipeline import HOME_CREDIT
build_offline(HOME_CREDIT, sys.argv[1], Path(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.long
def test_memory_does_not_grow_with_the_customers(tmp_path):
    peaks = []
    for customers in (60_000, 180_000):
        tables = tmp_path / str(customers)
        write_tables(tables, generate_tables("home-credit", customers, seed=1))
        command = [sys.executable, "-c", PEAK, tables, tmp_path / "features.parquet"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))

    assert peaks[1] < 1.2 * peaks[0]


def test_without_applicants_the_table_has_its_columns(folder, offline, tmp_path):
    for file in folder.glob("*.parquet"):
        table = parquet.read_table(file)
        kept = table.slice(0, 0) if file.stem.startswith("application") else table
        parquet.write_table(kept, tmp_path / file.name)

    assert build_offline(HOME_CREDIT, str(tmp_path), tmp_path / "out" / "features.parquet") == 0
    found = parquet.read_schema(tmp_path / "out" / "features.parquet")
    assert found.names == parquet.read_schema(offline).names
