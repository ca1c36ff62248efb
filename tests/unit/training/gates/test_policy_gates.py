from dataclasses import replace

import pytest

from scoreline.core.contract import Contract, Label, State
from scoreline.core.features import Feature
from scoreline.definition.gate_settings import GateSettings
from training.gates.gate import Gate, status_of
from training.gates.policy_gates import monotonicity, schema
from training.incumbents.schema_changes import breaking_changes

INCOME = Feature("income", "number", minimum=0, maximum=100, special_codes={"none": -1})
TERM = Feature("term", "integer", nullable=True, aliases=("months",))
REGION = Feature("region", "category", categories=("north", "south"), unseen="accept")
HISTORY = Feature("late", "number", nullable=True, online=True)
BEFORE = Contract("m", "default", "", (INCOME, TERM, REGION, HISTORY))


def with_features(*features):
    return replace(BEFORE, features=features)


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(BEFORE, id="the same"),
        pytest.param(with_features(INCOME, TERM, REGION), id="nothing is looked up any more"),
        pytest.param(
            with_features(*BEFORE.features, Feature("age", "integer", nullable=True)),
            id="a field that may be left out",
        ),
        pytest.param(
            with_features(replace(INCOME, name="salary", aliases=("income",)), TERM, REGION),
            id="renamed, the old name an alias",
        ),
        pytest.param(
            with_features(
                replace(INCOME, minimum=-5, maximum=None, special_codes=None, nullable=True),
                replace(TERM, type="number"),
                replace(REGION, categories=("south", "north", "west")),
            ),
            id="wider",
        ),
        pytest.param(
            with_features(INCOME, TERM, replace(REGION, categories=("north",))),
            id="a category less where others are accepted",
        ),
    ],
)
def test_a_schema_that_accepts_the_champions_requests_passes(after):
    assert breaking_changes(BEFORE, after) == []
    assert schema([], GateSettings()).passed


@pytest.mark.parametrize(
    ("after", "changes"),
    [
        (with_features(INCOME, TERM), ["region: is no longer accepted"]),
        (
            with_features(replace(INCOME, name="salary"), TERM, REGION),
            ["income: is no longer accepted", "salary: is new and required"],
        ),
        (
            with_features(*BEFORE.features, Feature("age", "integer")),
            ["age: is new and required"],
        ),
        (
            with_features(replace(INCOME, maximum=99), replace(TERM, nullable=False), REGION),
            ["income: has a narrower range", "term: is now required"],
        ),
        (
            with_features(replace(INCOME, special_codes=None), replace(TERM, aliases=()), REGION),
            ["income: refuses 1 of its special codes", "months: is no longer an alias"],
        ),
        (
            with_features(INCOME, TERM, replace(REGION, categories=("north",), unseen="refuse")),
            [
                "region: loses 1 of its categories",
                "region: refuses categories that are not listed",
            ],
        ),
        (
            with_features(replace(INCOME, type="integer"), TERM, replace(REGION, online=True)),
            [
                "income: changes its type from number to integer",
                "region: is no longer accepted",
            ],
        ),
        (
            replace(BEFORE, task="recommendation"),
            ["task: changes from default to recommendation"],
        ),
    ],
)
def test_every_change_that_breaks_a_client_is_named(after, changes):
    assert breaking_changes(BEFORE, after) == changes
    gate = schema(changes, GateSettings())
    assert (gate.passed, gate.value) == (False, len(changes))
    assert changes[0] in gate.sentence


def test_a_removed_product_breaks_clients():
    cards, loans = Label("cards", "Cards"), Label("loans", "Loans")

    found = breaking_changes(
        replace(BEFORE, labels=(cards, loans)), replace(BEFORE, labels=(cards,))
    )

    assert found == ["loans: is no longer a product"]


def test_a_declared_break_passes_and_without_a_champion_nothing_is_asked():
    gate = schema(["age: is new and required"], GateSettings(breaking=True))

    assert gate.passed
    assert "declares" in gate.sentence
    assert schema(None, GateSettings()).passed is None


def test_directions_have_to_hold():
    assert monotonicity({"income": 0.0, "term": 9e-5}, GateSettings()).passed
    gate = monotonicity({"income": 0.0, "term": 0.2}, GateSettings())
    assert (gate.passed, gate.value) == (False, 0.2)
    assert "term (by 0.2)" in gate.sentence
    assert monotonicity({}, GateSettings()).passed is None


def test_one_failed_gate_rejects_and_one_that_does_not_apply_does_not():
    passed, unasked = Gate("a", True, ""), Gate("b", None, "")

    assert status_of([passed, unasked]) == "candidate"
    assert status_of([passed, unasked, Gate("c", False, "")]) == "rejected"


def test_states_that_are_newly_refused_are_named():
    missing = State(feature="income", state="missing")
    after = replace(BEFORE, unlearned=(missing,), unlearned_rule="refuse")

    assert breaking_changes(BEFORE, after) == [
        "income: refuses the state missing, which is unlearned"
    ]
    assert breaking_changes(after, after) == []
    assert breaking_changes(BEFORE, replace(after, unlearned_rule="refer")) == []
