import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreline.api.application_schema import application_schema
from scoreline.core.contract import Contract, Label
from scoreline.core.errors import InvalidApplicationError
from scoreline.core.features import Feature
from scoreline.scoring.application import ApplicationEncoder
from scoreline.scoring.recommendations import RecommendationAnswers
from tests.shop import CUSTOMER, definition

LABELS = tuple(Label(name=name, description=name.upper()) for name in "abcde")
CONTRACT = Contract(
    model="m",
    task="recommendation",
    description="",
    features=(Feature(name="x", type="number"),),
    labels=LABELS,
    top=3,
)


@pytest.fixture(scope="module")
def contract(tmp_path_factory):
    return definition(tmp_path_factory.mktemp("models")).contract()


@pytest.fixture(scope="module")
def encoder(contract):
    return ApplicationEncoder(contract)


def broken(encoder, application):
    with pytest.raises(InvalidApplicationError) as raised:
        encoder.encode(application)
    return {error.field: error.rule for error in raised.value.fields}


def recommended(probabilities, **application):
    answer = RecommendationAnswers(CONTRACT).answer(application, [], [probabilities], ())
    return [(item["product"], item["probability"]) for item in answer["recommendations"]]


def test_the_likeliest_come_first_and_equal_ones_in_the_contracts_order():
    found = recommended([0.2, 0.5, 0.2, 0.9, 0.1])

    assert found == [("d", 0.9), ("b", 0.5), ("a", 0.2)]


def test_a_recommendation_says_what_the_product_is():
    answer = RecommendationAnswers(CONTRACT).answer({}, [], [[0.1, 0.2, 0.3, 0.4, 0.1234567]], ())

    assert answer["recommendations"][-1] == {
        "product": "b",
        "description": "B",
        "probability": 0.2,
    }


def test_the_next_one_takes_the_place_of_a_held_product():
    found = recommended([0.2, 0.5, 0.3, 0.9, 0.1], held=["d", "b"])

    assert found == [("c", 0.3), ("a", 0.2), ("e", 0.1)]


@given(
    st.lists(st.floats(0, 1), min_size=5, max_size=5),
    st.lists(st.sampled_from("abcde"), max_size=6),
)
def test_no_held_product_is_recommended_and_none_left_out_is_likelier(probabilities, held):
    found = dict(recommended(probabilities, held=held))

    assert not set(found) & set(held)
    assert len(found) == min(3, 5 - len(set(held)))
    left = set("abcde") - set(held) - set(found)
    likeliest = max((probabilities["abcde".index(name)] for name in left), default=0)
    assert all(value >= likeliest - 1e-6 for value in found.values())


def test_a_contract_without_labels_is_refused():
    with pytest.raises(ValueError, match="labels"):
        RecommendationAnswers(
            Contract(model="m", task="recommendation", description="", features=())
        )


def test_an_alias_stands_for_the_feature(encoder):
    application = {"renta": 42_000.5, "edad": 35, "segment": "private", "country": "ES"}

    assert encoder.encode(application) == encoder.encode(CUSTOMER)


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"renta": 1.0}, "income", "is given twice, as renta too"),
        ({"renta": None}, "income", "is given twice, as renta too"),
        ({"años": 35}, "age", "is given twice, as años too"),
        ({"held": "card"}, "held", "must be a list of products, each one of: account, card"),
        ({"held": None}, "held", "must be a list of products"),
        ({"held": ["card", "castle"]}, "held", "must be a list of products"),
        ({"held": [["card"]]}, "held", "must be a list of products"),
    ],
)
def test_a_broken_rule_names_the_field_and_no_value(encoder, changes, field, rule):
    found = broken(encoder, {**CUSTOMER, **changes})

    assert list(found) == [field]
    assert found[field].startswith(rule)
    assert "castle" not in found[field]


def test_two_aliases_of_a_feature_are_one_too_many(encoder):
    application = {key: value for key, value in CUSTOMER.items() if key != "age"}

    assert broken(encoder, {**application, "años": 35, "edad": 35}) == {
        "age": "is given twice, as edad too"
    }


def test_a_bad_value_of_an_alias_is_named_as_the_feature(encoder):
    application = {key: value for key, value in CUSTOMER.items() if key != "age"}

    assert broken(encoder, {**application, "edad": 130}) == {
        "age": "must be at least 0 and at most 120"
    }


def test_what_is_held_is_no_part_of_the_row(encoder):
    assert encoder.encode({**CUSTOMER, "held": ["card"]}) == encoder.encode(CUSTOMER)


def test_the_contract_survives_its_json(contract):
    assert Contract.from_json(contract.to_json()) == contract


VALUES = st.sampled_from([None, -99, 0, 17.5, 35, 130, "private", "ES", "PT", "", True, []])
HELD = st.one_of(VALUES, st.lists(st.sampled_from(["card", "fund", "castle", 1]), max_size=3))
FIELDS = ["income", "renta", "age", "años", "edad", "segment", "country", "other"]


@given(st.fixed_dictionaries({}, optional={**dict.fromkeys(FIELDS, VALUES), "held": HELD}))
def test_schema_and_encoder_accept_the_same(encoder, contract, application):
    schema = application_schema(contract)
    validator = jsonschema.Draft202012Validator(schema)

    try:
        encoder.encode(application)
        accepted = True
    except InvalidApplicationError:
        accepted = False

    assert validator.is_valid(application) == accepted


def test_the_schema_shows_products_aliases_ranges_and_descriptions(contract):
    schema = application_schema(contract)

    jsonschema.Draft202012Validator.check_schema(schema)
    properties = schema["properties"]
    assert properties["held"]["items"]["enum"] == ["account", "card", "fund", "mortgage"]
    assert properties["renta"]["description"] == "Another name of income"
    assert properties["income"]["description"] == "Gross income, EUR per year"
    assert properties["country"]["examples"] == ["ES", "FR"]
    assert {"minimum": 0.0, "maximum": 120.0}.items() <= properties["age"].items()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["x-task"] == "recommendation"
