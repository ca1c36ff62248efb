import json
from dataclasses import replace
from math import log
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreline.api.scoring_answers import Answer
from scoreline.core.contract import ANSWER_FIELDS, Contract, Reference, ScoreScale
from scoreline.definition.files import defined_models, load_definition
from tests.sample import definition

margins = st.floats(-15.9, 15.9)
REFERENCE = Reference(
    group="all_applicants",
    rows=10,
    margin=-1.0,
    log_odds=-1.1,
    slope=0.9,
    contributions=(0.1,) * 7,
    best=(-0.2,) * 7,
    values=(1.5, None, *[0.0] * 5),
)


@pytest.fixture(scope="module")
def contract(tmp_path_factory):
    return definition(tmp_path_factory.mktemp("models")).contract(REFERENCE)


def test_score_by_hand():
    # Good:bad odds of 50 are 600 points; 25 are 20 points less, 200 are 40 more.
    scale = ScoreScale(base_score=600, base_odds=50, pdo=20)

    assert [scale.score(-log(odds)) for odds in (25, 50, 200)] == [580, 600, 640]


@given(margins, margins)
def test_score_falls_as_the_margin_rises(first, second):
    scale = ScoreScale()

    assert (scale.points(first) - scale.points(second)) * (first - second) <= 0


@given(margins)
def test_points_and_margin_round_trip(margin):
    scale = ScoreScale()

    back = (scale.base_score - scale.points(margin)) / scale.factor - log(scale.base_odds)

    assert back == pytest.approx(margin, abs=1e-9)


def test_score_is_bounded_at_the_ends():
    scale = ScoreScale()

    assert scale.score(float("inf")) == scale.score(16)
    assert scale.score(-float("inf")) == scale.score(-16)


def test_json_round_trip(contract):
    assert Contract.from_json(contract.to_json()) == contract
    for model in defined_models():
        shipped = load_definition(model).contract()
        assert Contract.from_json(shipped.to_json()) == shipped


def test_a_contract_of_an_earlier_release_has_its_defaults(contract):
    raw = json.loads(contract.to_json())
    for feature in raw["features"]:
        del feature["normalize"], feature["category_aliases"]
    del raw["answer"]

    assert Contract.from_json(json.dumps(raw)) == contract


def test_a_cutoff_belongs_to_the_better_decision(contract):
    decisions = [contract.decide(score) for score in (560, 559, 540, 539, -5)]

    assert decisions == ["approve", "refer", "refer", "decline", "decline"]


@pytest.mark.parametrize(
    ("rule", "decisions"),
    [
        ("refer", ["refer", "refer"]),
        ("refuse", ["refer", "refer"]),
        ("score", ["approve", "decline"]),
    ],
)
def test_an_unlearned_state_is_referred_unless_the_score_was_chosen(contract, rule, decisions):
    chosen = replace(contract, unlearned_rule=rule)

    assert [chosen.decide(score, unlearned=True) for score in (700, 100)] == decisions


def test_a_bound_belongs_to_the_lower_risk_level(contract):
    assert [contract.risk_level(p) for p in (0.0, 0.2, 0.2001, 1.0)] == [
        "low",
        "low",
        "high",
        "high",
    ]


def test_the_fields_of_answers_are_reserved():
    typed = {name for answer in get_args(Answer) for name in answer.__annotations__}

    assert set(ANSWER_FIELDS) == typed | {"error"}
