import json

import pytest

from scoreline.core.errors import DefinitionError, InvalidRequestError
from scoreline.definition.files import defined_models, load_definition, read_shipped


@pytest.fixture
def own(tmp_path):
    """A lender's own definition, in a folder of their own."""
    path = tmp_path / "car-loans.toml"
    path.write_text(read_shipped("loan-risk").replace('name = "loan-risk"', 'name = "car-loans"'))
    return path


def test_a_file_is_registered_and_shown(scoreline, own):
    defined = scoreline("define", str(own), "--reason", "a new product", "--json")
    again = scoreline("define", str(own))

    assert json.loads(defined.stdout)["sequence"] == 1
    assert "car-loans: definition" in again.stdout
    assert "number 1" in again.stdout
    assert scoreline("definition", "car-loans").stdout.rstrip() == own.read_text().rstrip()
    [entry] = json.loads(scoreline("definition", "car-loans", "--json").stdout)["history"]
    assert entry["reason"] == "a new product"


def test_a_definition_that_ships_is_registered_by_name(scoreline):
    assert json.loads(scoreline("define", "credit-card", "--json").stdout)["model"] == "credit-card"


def test_own_definitions_are_found_by_name_before_those_that_ship(scoreline, own, monkeypatch):
    text = read_shipped("credit-card").replace("[", "# mine\n[", 1)
    (own.parent / "credit-card.toml").write_text(text)
    monkeypatch.setenv("SCORELINE_MODELS", str(own.parent))

    assert {"car-loans", "credit-card", "german-credit"} <= set(defined_models())
    assert load_definition("car-loans").name == "car-loans"
    assert load_definition("german-credit").name == "german-credit"
    assert scoreline("define", "credit-card").exit_code == 0
    assert "# mine" in scoreline("definition", "credit-card").stdout


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("missing.toml", None, "missing.toml: no such file"),
        ("other.toml", "", "other.toml"),
        ("binary.toml", b"\xff\xfe", "not UTF-8"),
        ("large.toml", b"#" * 300_000, "over 256,000 bytes"),
    ],
)
def test_a_file_that_is_no_definition_is_named(scoreline, tmp_path, file, content, problem):
    if content is not None:
        (tmp_path / file).write_bytes(content.encode() if isinstance(content, str) else content)

    error = scoreline("define", str(tmp_path / file)).exception

    assert isinstance(error, DefinitionError)
    assert problem in error.message


def test_a_folder_is_no_definition(scoreline, tmp_path):
    (tmp_path / "folder.toml").mkdir()

    error = scoreline("define", str(tmp_path / "folder.toml")).exception

    assert "is a directory" in error.message


def test_a_reason_follows_the_rule_of_reasons(scoreline):
    error = scoreline("define", "credit-card", "--reason", " ").exception

    assert isinstance(error, InvalidRequestError)
