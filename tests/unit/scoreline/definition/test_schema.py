import json
import tomllib

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from cli.app import app
from scoreline.definition.algorithms import ALGORITHMS
from scoreline.definition.files import MODELS_DIR, defined_models
from scoreline.definition.schema import definition_schema
from tests import shop
from tests.sample import DEFINITION

SCHEMA = definition_schema()


def errors(text):
    return list(Draft202012Validator(SCHEMA).iter_errors(tomllib.loads(text)))


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("model", defined_models())
def test_every_definition_that_ships_fits_the_schema(model):
    assert errors((MODELS_DIR / f"{model}.toml").read_text()) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pdo = 20", 'pdo = "20"'),
        ("[score]", "[scores]"),
        ("max_depth = 3", 'booster = "dart"'),
        ("max_depth = 3", "scale_pos_weight = 3"),
        ("test_share = 0.3", 'method = "time"'),
        ('name = "xgboost"', 'name = "lightgbm"\nfolds = 3'),
    ],
)
def test_a_broken_definition_does_not_fit_the_schema(old, new):
    assert errors(DEFINITION) == []
    assert errors(DEFINITION.replace(old, new, 1))


@pytest.mark.parametrize("table", ["[[bands]]\ndecision = 'decline'", "[score]\npdo = 20"])
def test_a_recommendation_has_no_keys_of_a_credit_model(table):
    assert errors(shop.DEFINITION) == []
    assert errors(f"{shop.DEFINITION}\n{table}\n")


@pytest.mark.parametrize("table", SCHEMA["$defs"])
def test_every_key_is_described(table):
    described = SCHEMA["$defs"][table]

    assert described["description"]
    assert all(key["description"] for key in described["properties"].values())


def test_parameters_show_their_defaults():
    parameters = SCHEMA["$defs"]["XGBoost"]["properties"]["parameters"]["properties"]

    defaults = {name: key["default"] for name, key in parameters.items() if "default" in key}
    assert defaults == ALGORITHMS["xgboost"].defaults
    assert parameters["booster"] == {"type": "string", "enum": ["gbtree"]}
    assert "scale_pos_weight" not in parameters


def test_the_command_prints_it():
    result = CliRunner().invoke(app, ["schema", "definition"])

    assert json.loads(result.stdout) == SCHEMA
