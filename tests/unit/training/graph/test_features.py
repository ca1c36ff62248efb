import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoreline.core.features import UNSEEN_CATEGORY
from tests.sample import definition
from training.graph.features import FeatureGraph, columns_of

NAN = float("nan")


@pytest.fixture(scope="module")
def contract(tmp_path_factory):
    return definition(tmp_path_factory.mktemp("models")).contract()


def columns(contract, row, missing_indicators=False):
    features = FeatureGraph(contract, missing_indicators=missing_indicators)
    values = features.transform(np.array([row], np.float32))[0]
    return dict(zip([c.name for c in features.columns_], values.tolist(), strict=True))


def test_a_plain_row_by_hand(contract):
    found = columns(contract, [1000, 6000, 2, 1, 0, 1])

    assert found == {
        "income": 1000,
        "debt": 6000,
        "enquiries": 2,
        "employed": 1,
        "debt_to_income": 0.5,
        "income=no_record": 0,
        "income=refused": 0,
        "enquiries=never_asked": 0,
        "region=north": 0,
        "region=south": 1,
        "region=west": 0,
        "region missing": 0,
        "housing=own": 1,
        "housing=rent": 0,
    }


def test_a_special_code_is_a_state_and_no_amount(contract):
    found = columns(contract, [-98, 6000, -1, 1, 0, 1])

    assert np.isnan([found["income"], found["enquiries"], found["debt_to_income"]]).all()
    assert (found["income=no_record"], found["income=refused"]) == (0, 1)
    assert found["enquiries=never_asked"] == 1


@pytest.mark.parametrize("income", [NAN, np.inf, -np.inf, 0.0])
def test_a_value_that_is_not_finite_is_missing_here_and_in_derived_features(contract, income):
    found = columns(contract, [income, 6000, 2, 1, 0, 1], missing_indicators=True)

    assert np.isnan(found["debt_to_income"])
    assert found["debt_to_income missing"] == 1
    assert found["income missing"] == (income != 0)


def test_unseen_and_missing_categories_differ(contract):
    unseen = columns(contract, [1000, 6000, 2, UNSEEN_CATEGORY, 0, 1])
    missing = columns(contract, [1000, 6000, 2, NAN, 0, 1])

    assert [unseen[f"region={r}"] for r in ("north", "south", "west")] == [0, 0, 0]
    assert (unseen["region missing"], missing["region missing"]) == (0, 1)


def test_every_column_names_its_source(contract):
    for column in columns_of(contract, missing_indicators=True):
        name = contract.sources[column.source].name
        assert column.name == name or column.name.startswith((f"{name}=", f"{name} "))


@given(income=st.floats(1, 1e6, width=32), debt=st.floats(0, 1e7, width=32), employed=st.booleans())
@settings(max_examples=50)
def test_derived_features_equal_their_arithmetic(contract, income, debt, employed):
    found = columns(contract, [income, debt, 0, 0, 0, employed])

    assert found["debt_to_income"] == pytest.approx(debt / (12 * income), rel=1e-6, abs=1e-30)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("debt + income * 2", 8000),
        ("-debt - -income", -5000),
        ("(debt - income) / 5", 1000),
        ("debt ** 2", 36e6),
        ("log(income) + exp(0 * debt)", np.log(1000) + 1),
        ("max(income - 2000, 0) + min(income, debt, 7)", 7),
        ("debt * 0.01 / (1 - (1 + 0.01) ** -enquiries)", 6000 * 0.01 / (1 - 1.01**-2)),
    ],
)
def test_arithmetic_by_hand(tmp_path, expression, expected):
    from tests.sample import DEFINITION

    contract = definition(
        tmp_path, DEFINITION.replace("debt / (12 * income)", expression)
    ).contract()

    found = columns(contract, [1000, 6000, 2, 1, 0, 1])

    assert found["debt_to_income"] == pytest.approx(expected, rel=1e-4)
