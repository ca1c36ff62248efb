"""The states of sources: which there are, which rows are in them, and how many."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreline.core.contract import State
from scoreline.core.features import DerivedFeature, Feature
from tests.sample import definition
from training.graph.features import FeatureGraph
from training.graph.states import StateGraph, in_unlearned_state, states_of, with_unlearned

NAN = float("nan")
ROW = [1000, 6000, 2, 1, 0, 1]  # income, debt, enquiries, region, housing, employed


@pytest.fixture(scope="module")
def contract(tmp_path_factory):
    return definition(tmp_path_factory.mktemp("models")).contract()


def states(contract, row):
    """The names of the states that a row is in."""
    [found] = StateGraph(contract).rows(np.array([row], np.float32))
    named = [(contract.sources[s.source].name, s.name) for s in states_of(contract)]
    return [name for name, is_in in zip(named, found, strict=True) if is_in]


def derived(contract, *features):
    return replace(contract, derived=tuple(DerivedFeature(**feature) for feature in features))


def test_every_feature_of_a_row_is_in_one_state(contract):
    assert states(contract, ROW) == [
        ("income", "number"),
        ("debt", "number"),
        ("enquiries", "number"),
        ("region", "south"),
        ("housing", "own"),
        ("employed", "true"),
        ("debt_to_income", "number"),
    ]


@pytest.mark.parametrize(
    ("position", "value", "state"),
    [
        (0, -99, ("income", "no_record")),
        (0, -98, ("income", "refused")),
        (0, NAN, ("income", "missing")),
        (2, -1, ("enquiries", "never_asked")),
        (3, -1, ("region", "not listed")),
        (3, NAN, ("region", "missing")),
        (4, 1, ("housing", "rent")),
        (5, 0, ("employed", "false")),
    ],
)
def test_codes_categories_and_missing_values_are_states(contract, position, value, state):
    row = [value if i == position else given for i, given in enumerate(ROW)]

    assert state in states(contract, row)


def test_a_division_by_0_is_undefined_and_a_missing_part_is_not(contract):
    by_zero, without_income, with_code = ([income, *ROW[1:]] for income in (0, NAN, -99))

    assert ("debt_to_income", "undefined") in states(contract, by_zero)
    for row in (without_income, with_code):
        assert "debt_to_income" not in dict(states(contract, row))


def test_what_is_made_of_an_undefined_value_is_undefined(contract):
    twice = derived(
        contract,
        {"name": "ratio", "expression": "debt / income"},
        {"name": "twice", "expression": "2 * ratio"},
    )

    assert states(twice, [0, *ROW[1:]])[-2:] == [("ratio", "undefined"), ("twice", "undefined")]


def test_a_declared_number_takes_the_place_of_an_undefined_value_alone(contract):
    declared = derived(
        contract,
        {"name": "ratio", "expression": "debt / income", "undefined": 99.0},
        {"name": "twice", "expression": "2 * ratio"},
    )
    rows = np.array([[0, *ROW[1:]], [NAN, *ROW[1:]], [-99, *ROW[1:]], ROW], np.float32)
    graph = FeatureGraph(declared)
    names = [column.name for column in graph.columns_]

    values = graph.transform(rows)

    ratio, twice = (values[:, names.index(name)] for name in ("ratio", "twice"))
    np.testing.assert_array_equal(ratio, [99, NAN, NAN, 6])
    np.testing.assert_array_equal(twice, [198, NAN, NAN, 12])
    assert ("ratio", "undefined") not in states(declared, rows[0].tolist())


def test_an_undefined_value_that_means_missing_is_in_that_state(contract):
    declared = derived(
        contract,
        {"name": "ratio", "expression": "debt / income", "undefined": "missing"},
        {"name": "twice", "expression": "2 * ratio"},
    )

    assert states(declared, [0, *ROW[1:]])[-1] == ("ratio", "missing")
    assert ("ratio", "missing") in states(declared, [NAN, *ROW[1:]])


@pytest.mark.parametrize(
    ("expression", "possible"),
    [
        ("debt / (income + 1)", False),
        ("debt / income", True),
        ("log(debt)", True),
        ("log(debt + 1)", False),
        ("exp(debt)", True),  # too large for float32
        ("(debt - income) ** 2", False),
        ("(debt - income) ** 0.5", True),
        ("debt * debt * debt * debt * debt * debt", True),
        ("employed / max(enquiries, 1)", False),
    ],
)
def test_only_what_the_ranges_admit_is_a_state(contract, expression, possible):
    changed = derived(contract, {"name": "d", "expression": expression})

    assert any(state.name == "undefined" for state in states_of(changed)) == possible


AMOUNTS = st.sampled_from([NAN, -99.0, -98.0, 0.0, 1.0, 2500.5, 1e6])
ROWS = st.lists(
    st.tuples(
        AMOUNTS,
        st.sampled_from([0.0, 12.5, 1e7]),
        st.sampled_from([NAN, -1.0, 0.0, 50.0]),
        st.sampled_from([NAN, -1.0, 0.0, 1.0, 2.0]),
        st.sampled_from([0.0, 1.0]),
        st.sampled_from([0.0, 1.0]),
    ),
    min_size=1,
    max_size=30,
)


@given(rows=ROWS)
def test_counts_and_unlearned_rows_are_those_of_a_plain_reading(contract, rows):
    X = np.array(rows, np.float32)
    expected = {
        ("income", "missing"): np.isnan(X[:, 0]),
        ("income", "no_record"): X[:, 0] == -99,
        ("enquiries", "never_asked"): X[:, 2] == -1,
        ("region", "not listed"): X[:, 3] == -1,
        ("employed", "true"): X[:, 5] == 1,
        ("debt_to_income", "undefined"): X[:, 0] == 0,
    }
    unlearned = replace(contract, unlearned=tuple(State(*state) for state in expected))
    counts = StateGraph(contract).count(X)
    named = [(contract.sources[s.source].name, s.name) for s in states_of(contract)]

    for state, is_in in expected.items():
        assert counts[named.index(state)] == is_in.sum()
    assert (
        in_unlearned_state(unlearned, X).tolist() == np.any([*expected.values()], axis=0).tolist()
    )


def test_states_of_fewer_rows_than_the_least_are_unlearned(contract):
    X = np.array([ROW] * 20 + [[-99, *ROW[1:]]] * 19, np.float32)

    learned = with_unlearned(contract, StateGraph(contract).count(X), 20)

    assert State("income", "no_record") in learned.unlearned
    assert State("income", "number") not in learned.unlearned
    assert State("housing", "own") not in learned.unlearned
    assert State("housing", "rent") in learned.unlearned


def test_a_category_called_like_another_state_is_a_state_of_its_own(contract):
    housing = Feature(
        "housing", "category", nullable=True, categories=("own", "missing"), unseen="accept"
    )
    confused = replace(contract, features=(housing,), derived=())
    X = np.array([[1.0]] * 20 + [[0.0]] * 20, np.float32)

    learned = with_unlearned(confused, StateGraph(confused).count(X), 20)

    assert [state.state for state in learned.unlearned] == ["not listed", "missing"]
    found = in_unlearned_state(learned, np.array([[1.0], [NAN], [-1.0]], np.float32))
    assert found.tolist() == [False, True, True]
