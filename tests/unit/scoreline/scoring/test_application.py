import json

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreline.api.application_schema import application_schema
from scoreline.core.contract import Contract
from scoreline.core.errors import InvalidApplicationError
from scoreline.core.features import Feature
from scoreline.scoring.application import ApplicationEncoder
from tests.sample import APPLICATION, definition

NAN = float("nan")


@pytest.fixture(scope="module")
def contract(tmp_path_factory):
    return definition(tmp_path_factory.mktemp("models")).contract()


@pytest.fixture(scope="module")
def encoder(contract):
    return ApplicationEncoder(contract)


def broken(encoder, **changes):
    with pytest.raises(InvalidApplicationError) as raised:
        encoder.encode({**APPLICATION, **changes})
    return {error.field: error.rule for error in raised.value.fields}


def test_a_whole_application_by_hand(encoder):
    assert encoder.encode({**APPLICATION, "id": "a-1"}) == [2500, 12000, 2, 0, 1, 1]


def test_missing_unseen_and_special_values(encoder):
    application = {**APPLICATION, "income": -99, "region": "atlantis", "employed": False}
    del application["enquiries"]

    row = encoder.encode(application)

    np.testing.assert_array_equal(row, [-99, 12000, NAN, -1, 1, 0])


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("debt", "1", "must be a number"),
        ("debt", True, "must be a number"),
        ("debt", [1], "must be a number"),
        ("debt", None, "is required"),
        ("debt", -1, "must be at least 0 and at most 10000000"),
        ("debt", 10**400, "must be at least 0 and at most 10000000"),
        ("debt", NAN, "must be finite"),
        ("debt", float("inf"), "must be finite"),
        ("debt", -float("inf"), "must be finite"),
        ("income", -97, "or a special code: -99 (no_record), -98 (refused)"),
        ("enquiries", 1.5, "must be an integer"),
        ("enquiries", "2", "must be an integer"),
        ("housing", "castle", "must be one of: own, rent"),
        ("housing", 1, "must be a string"),
        ("region", 1, "must be a string"),
        ("region", "", "must not be empty"),
        ("employed", 1, "must be true or false"),
        ("employed", "true", "must be true or false"),
        ("sex", "f", "is not a field of this request"),
        ("debt_to_income", 1, "is not a field of this request"),
        ("id", "", "must be a string of 1 to 128 characters"),
        ("id", 7, "must be a string of 1 to 128 characters"),
    ],
)
def test_a_bad_field_is_named_with_its_rule_and_without_its_value(encoder, field, value, rule):
    found = broken(encoder, **{field: value})

    assert list(found) == [field]
    assert rule in found[field]


def test_all_bad_fields_are_reported_at_once(encoder):
    found = broken(encoder, debt="secret", housing="secret", shoe_size=44, employed=None)

    assert set(found) == {"debt", "housing", "shoe_size", "employed"}
    assert "secret" not in str(found)


ACTIVE = Feature("active", "category", categories=("0", "1"), nullable=True)
RATING = Feature("rating", "category", categories=("1", "2", "3"), unseen="accept", nullable=True)
PROVINCE = Feature(
    "province",
    "category",
    categories=("LERIDA", "BALEARS, ILLES"),
    category_aliases={"LLEIDA": "LERIDA"},
    normalize="case and spaces",
    nullable=True,
)
PURPOSE = Feature(
    "purpose",
    "category",
    categories=("car (used)", "furniture"),
    category_aliases={"furnishings": "furniture"},
    unseen="accept",
    nullable=True,
)
SPELT = Contract("spelt", "default", "", (ACTIVE, RATING, PROVINCE, PURPOSE))


@pytest.fixture(scope="module")
def spelt():
    return ApplicationEncoder(SPELT)


@pytest.mark.parametrize(
    ("application", "row"),
    [
        ({"active": "0"}, [0, NAN, NAN, NAN]),
        ({"active": 0}, [0, NAN, NAN, NAN]),
        ({"active": 1.0}, [1, NAN, NAN, NAN]),
        ({"rating": 3}, [NAN, 2, NAN, NAN]),
        ({"rating": 4}, [NAN, -1, NAN, NAN]),
        ({"rating": 10**400}, [NAN, -1, NAN, NAN]),
        ({"rating": "1.0"}, [NAN, -1, NAN, NAN]),
        ({"province": "BALEARs, ILLES"}, [NAN, NAN, 1, NAN]),
        ({"province": " lleida "}, [NAN, NAN, 0, NAN]),
        ({"purpose": "car (used)"}, [NAN, NAN, NAN, 0]),
        ({"purpose": "furnishings"}, [NAN, NAN, NAN, 1]),
        ({"purpose": "car (used) "}, [NAN, NAN, NAN, -1]),
        ({"purpose": "Car (used)"}, [NAN, NAN, NAN, -1]),
    ],
)
def test_spellings_and_numbers_of_categories_by_hand(spelt, application, row):
    np.testing.assert_array_equal(spelt.encode(application), row)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("active", True, "must be a string or a whole number"),
        ("active", False, "must be a string or a whole number"),
        ("active", 0.5, "must be a string or a whole number"),
        ("active", NAN, "must be a string or a whole number"),
        ("active", float("inf"), "must be a string or a whole number"),
        ("active", [0], "must be a string or a whole number"),
        ("active", 2, "must be one of: 0, 1"),
        ("active", "", "must not be empty; null stands for a missing value"),
        ("province", " \t", "must not be empty; null stands for a missing value"),
        ("province", "GERONA", "must be one of: LERIDA, BALEARS, ILLES"),
        ("province", 1, "must be a string"),
        ("purpose", 1, "must be a string"),
    ],
)
def test_what_is_no_spelling_is_refused_with_its_rule(spelt, field, value, rule):
    with pytest.raises(InvalidApplicationError) as raised:
        spelt.encode({field: value})

    [found] = raised.value.fields
    assert (found.field, found.rule) == (field, rule)


TEXTS = ["0", "1", "3", "1.0", "LLEIDA", "Lerida ", "car (used)", "Furniture", "", " "]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 5),
    st.floats(-2, 5),
    st.integers(-2, 5).map(float),
    st.sampled_from(TEXTS) | st.text(max_size=3),
)


@given(st.fixed_dictionaries({}, optional={f.name: VALUES for f in SPELT.features}))
def test_the_json_schema_of_spellings_refuses_nothing_that_the_encoder_accepts(spelt, application):
    validator = jsonschema.Draft202012Validator(application_schema(SPELT))
    is_valid = validator.is_valid(application)
    try:
        spelt.encode(application)
        refused = set()
    except InvalidApplicationError as error:
        refused = {field.field for field in error.fields}

    if refused != {"province"}:  # its schema takes any text, since no keyword folds case
        assert is_valid == (not refused)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.one_of(
                st.none(),
                st.booleans(),
                st.integers(-120, 60),
                st.floats(-200, 2e7),
                st.sampled_from(["own", "north", "castle", ""]),
            )
            for name in [*APPLICATION, "other"]
        },
    )
)
def test_the_json_schema_accepts_what_the_encoder_accepts(contract, encoder, changes):
    application = {**APPLICATION, **changes}
    validator = jsonschema.Draft202012Validator(application_schema(contract))
    try:
        encoder.encode(application)
        accepted = True
    except InvalidApplicationError:
        accepted = False

    assert validator.is_valid(json.loads(json.dumps(application))) == accepted
