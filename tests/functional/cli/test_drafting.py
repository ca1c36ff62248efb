import csv
import json

import pytest

from cli.seed_data import german_credit
from scoreline.core.errors import DatasetError

pytestmark = pytest.mark.slow

LABEL = "creditability"


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "german.csv").write_bytes(german_credit())
    return tmp_path


def test_a_file_becomes_a_definition_that_checks_and_trains(scoreline, registry, data):
    drafted = scoreline("init", "german.csv", "--target", LABEL, "--output", "own.toml")
    checked = scoreline("check", "--definition", "own.toml", "german.csv", "--json")
    trained = scoreline("train", "--definition", "own.toml", "--dataset", "german.csv", "--json")

    assert (drafted.exit_code, checked.exit_code, trained.exit_code) == (0, 0, 0)
    found = json.loads(checked.stdout)
    assert (found["rows_read"], found["training_rows"] + found["test_rows"]) == (1000, 1000)
    published = json.loads(trained.stdout)
    assert published["model"] == "own"
    assert published["score"] > 0.7
    assert (published["rows_read"], published["exclusions"]) == (1000, {})
    assert registry.versions("own") == [published["version"]]


def test_a_definition_is_called_like_its_file_and_replaces_none(scoreline, data):
    assert scoreline("init", "german.csv", "--target", LABEL).exit_code == 0
    assert (data / "german.toml").exists()
    assert "--force" in scoreline("init", "german.csv", "--target", LABEL).exception.message
    assert scoreline("init", "german.csv", "--target", LABEL, "--force").exit_code == 0


def test_broken_rows_are_told_by_rule_with_the_first_ones(scoreline, data):
    scoreline("init", "german.csv", "--target", LABEL)
    lines = (data / "german.csv").read_text().splitlines()
    header = lines[0].split(",")
    place = next(i for i, name in enumerate(header) if "duration" in name)
    for row in (3, 7):
        cells = lines[row].split(",")
        cells[place] = "4000"
        lines[row] = ",".join(cells)
    (data / "broken.csv").write_text("\n".join(lines))

    found = json.loads(
        scoreline("check", "--definition", "german.toml", "broken.csv", "--json").stdout
    )

    [rule] = found["left_out"]
    assert (rule["rows"], rule["first_rows"]) == (2, [3, 7])
    assert "is out of range" in rule["rule"]
    shown = scoreline("check", "--definition", "german.toml", "broken.csv").stdout
    assert "3, 7" in shown
    assert "training can start" in shown


def test_a_file_that_cannot_be_trained_on_fails_the_check(scoreline, data):
    scoreline("init", "german.csv", "--target", LABEL)
    (data / "other.csv").write_text("a,b\n1,2\n")

    failed = scoreline("check", "--definition", "german.toml", "other.csv").exception

    assert isinstance(failed, DatasetError)


def test_an_unusual_file_is_read_and_said(scoreline, data):
    scoreline("init", "german.csv", "--target", LABEL)
    rows = csv.reader((data / "german.csv").read_text().splitlines())
    with (data / "german.tsv").open("w", newline="") as file:
        csv.writer(file, delimiter="\t").writerows(rows)

    found = scoreline("check", "--definition", "german.toml", "german.tsv", "--json")

    assert "german.tsv is read as separated by tabs" in json.loads(found.stdout)["warnings"]


def test_a_definition_alone_is_checked(scoreline, data):
    assert "keeps every rule" in scoreline("check", "loan-risk").stdout
    for wrong in (("check",), ("check", "loan-risk", "--definition", "x.toml", "y.csv")):
        assert scoreline(*wrong).exit_code == 2


def test_train_takes_a_name_or_a_file(scoreline, data):
    assert scoreline("train").exit_code == 2
    assert scoreline("train", "loan-risk", "--definition", "own.toml").exit_code == 2
