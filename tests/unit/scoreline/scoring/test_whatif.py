from itertools import combinations, product
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreline.core.contract import Band, Contract, RiskLevel, ScoreScale
from scoreline.core.errors import InvalidApplicationError
from scoreline.core.features import Actionable, Feature
from scoreline.scoring.application import ApplicationEncoder
from scoreline.scoring.proposals import MAX_SCORED, MAX_STEPS
from scoreline.scoring.whatif import what_if

INCOME = Feature(
    name="income",
    type="number",
    minimum=0,
    maximum=1e5,
    nullable=True,
    special_codes={"no_record": -99},
    actionable=Actionable(direction="increase", step=100),
)
DEBT = Feature(
    name="debt",
    type="number",
    minimum=0,
    maximum=1e7,
    actionable=Actionable(direction="decrease", step=1000),
)
HOUSING = Feature(
    name="housing",
    type="category",
    categories=("own", "rent", "parents"),
    actionable=Actionable(to=("own",)),
)
EMPLOYED = Feature(
    name="employed", type="boolean", actionable=Actionable(direction="increase"), nullable=True
)
ENQUIRIES = Feature(name="enquiries", type="integer", minimum=0, maximum=50)
TERM = Feature(
    name="term",
    type="integer",
    minimum=1,
    maximum=12,
    actionable=Actionable(direction="either", step=1),
)
FEATURES = (INCOME, DEBT, HOUSING, EMPLOYED, ENQUIRIES)
APPLICATION = {
    "id": "a-1",
    "income": 2000,
    "debt": 10_000,
    "housing": "rent",
    "employed": False,
    "enquiries": 3,
}


class Fake:
    """A model whose score in points is a rule that a person can work out."""

    def __init__(self, rule=None, features=FEATURES, approve=60, refer=40):
        self.rule = rule or additive
        self.version = "20261121T004512Z-3fa9c1d2"
        self.contract = Contract(
            model="fake",
            task="default",
            description="Invented",
            features=tuple(features),
            derived=(),
            score_scale=ScoreScale(base_score=0, base_odds=1, pdo=100 * np.log(2)),
            bands=(
                Band(decision="approve", min_score=approve),
                Band(decision="refer", min_score=refer),
                Band(decision="decline"),
            ),
            risk_levels=(RiskLevel(name="any"),),
            reasons=(),
            max_reasons=4,
        )
        self.encoder = ApplicationEncoder(self.contract)
        self.rows = 0

    def log_odds(self, rows):
        self.rows += len(rows)
        names = [feature.name for feature in self.contract.features]
        points = [
            self.rule(**dict(zip(names, row, strict=True))) for row in np.float32(rows).tolist()
        ]
        return (np.array(points, np.float32) / -100).tolist()

    def answer(self, applications, languages=()):
        rows = [row for _, row in applications]
        return [
            self._answer(a, v) for (a, _), v in zip(applications, self.log_odds(rows), strict=True)
        ]

    def _answer(self, application, log_odds):
        score = self.contract.score_scale.score(float(log_odds))
        probability = 1 / (1 + float(np.exp(-log_odds)))
        return {
            "id": application.get("id", "made-up"),
            "probability_of_default": round(probability, 6),
            "score": score,
            "risk_score": round(100 * probability, 2),
            "decision": self.contract.decide(score),
        }


def additive(income=0.0, debt=0.0, housing=1.0, employed=0.0, **_):
    """One point for every step of income and debt, 20 for an own home, 5 for employment."""
    income, employed = (0.0 if isnan(x) or x < 0 else x for x in (income, employed))
    return income / 100 - debt / 1000 + 20 * (housing == 0) + 5 * employed


def changes(answer):
    return [{c["field"]: c["to"] for c in p["changes"]} for p in answer["proposals"]]


def propose(model, target="approve", **fields):
    return what_if(model, {"application": {**APPLICATION, **fields}, "target": target})


def broken(body, model=None):
    with pytest.raises(InvalidApplicationError) as raised:
        what_if(model or Fake(), body)
    return {error.field: error.rule for error in raised.value.fields}


def test_changes_give_the_answers_before_and_after_and_their_difference():
    # 20 - 10 = 10 points; 30 - 10 + 20 = 40 points; log-odds are points / -100.
    changed = {"income": 3000, "housing": "own"}

    answer = what_if(Fake(), {"application": APPLICATION, "changes": changed})

    assert set(answer) == {"model", "version", "before", "after", "difference"}
    assert (answer["before"]["score"], answer["after"]["score"]) == (10, 40)
    assert (answer["before"]["decision"], answer["after"]["decision"]) == ("decline", "refer")
    assert answer["after"]["id"] == answer["before"]["id"] == "a-1"
    # 1 / (1 + exp(0.4)) - 1 / (1 + exp(0.1))
    assert answer["difference"] == {
        "probability_of_default": -0.073709,
        "score": 30,
        "risk_score": -7.37,
    }


def test_null_makes_a_value_missing():
    answer = what_if(Fake(), {"application": APPLICATION, "changes": {"income": None}})

    assert answer["after"]["score"] == -10


def test_the_smallest_changes_by_hand():
    # 10 points, 30 are wanted. Income alone: 30 steps. With the own home 10 remain, of income or
    # of debt: 11 steps each, and 40 points each, so the contract's order decides.
    answer = propose(Fake(), "refer")

    assert answer["outcome"] == "found"
    assert changes(answer) == [
        {"income": 5000},
        {"income": 3000, "housing": "own"},
        {"debt": 0, "housing": "own"},
    ]
    assert [p["steps"] for p in answer["proposals"]] == [30, 11, 11]
    assert answer["proposals"][1]["changes"] == [
        {"field": "income", "from": 2000, "to": 3000},
        {"field": "housing", "from": "rent", "to": "own"},
    ]
    assert answer["proposals"][0]["after"]["decision"] == "refer"
    assert answer["proposals"][0]["difference"]["score"] == 30


def test_a_higher_decision_takes_more():
    # 50 points: income 50; own home and 30 of income; employment and 45 of income.
    assert changes(propose(Fake())) == [
        {"income": 7000},
        {"income": 5000, "housing": "own"},
        {"income": 6500, "employed": True},
    ]


def test_three_fields_where_two_do_not_reach():
    # Without an income to move: -10 points; own home 20, debt at most 10, employment 5.
    answer = propose(Fake(refer=24), "refer", income=-99)

    assert changes(answer) == [{"debt": 1000, "housing": "own", "employed": True}]
    assert answer["search"]["complete"]


def test_a_candidate_that_contains_a_smaller_proposal_is_not_proposed():
    # 20 points are wanted, which the own home alone gives, so that nothing with it is proposed.
    # Employment leaves 15 of income, fewer steps than the ten of debt with ten of income.
    answer = propose(Fake(refer=30), "refer")

    assert changes(answer) == [
        {"housing": "own"},
        {"income": 4000},
        {"income": 3500, "employed": True},
    ]


def test_a_missing_value_and_a_special_code_are_left_alone():
    for fields in ({"income": None}, {"income": -99}, {"income": None, "employed": None}):
        proposed = changes(propose(Fake(refer=15), "refer", **fields))

        assert proposed
        assert not [p for p in proposed if set(fields) & set(p)]


def test_steps_count_from_the_present_value_and_end_at_the_range():
    # Two steps lead from 2400 to 400, -0.4 points and rounded 0; a third would leave the range.
    model = Fake(features=(DEBT,), refer=0)

    [proposal] = propose_only(model, {"debt": 2400.0}, "refer")["proposals"]

    assert proposal["changes"] == [{"field": "debt", "from": 2400.0, "to": 400}]
    nothing = propose_only(Fake(features=(DEBT,), refer=1), {"debt": 2400.0}, "refer")
    assert (nothing["outcome"], nothing["proposals"]) == ("none within the ranges", [])
    assert nothing["search"]["scored"] == 2


def propose_only(model, application, target):
    return what_if(model, {"application": application, "target": target})


def test_decimal_steps_stay_decimal():
    rate = Feature(
        name="rate",
        type="number",
        minimum=0,
        maximum=1,
        actionable=Actionable(direction="increase", step=0.1),
    )
    model = Fake(lambda rate: 100 * rate, (rate,), approve=55, refer=45)

    assert changes(propose_only(model, {"rate": 0.3}, "approve")) == [{"rate": 0.6}]


def test_a_model_that_is_not_monotone_is_searched_exactly():
    # From 4, the terms 7 and 1 lie three steps away, 2 only two; of equals the lower comes first.
    for good, expected in (({7}, 7), ({7, 2}, 2), ({1, 7}, 1)):
        model = Fake(lambda term, good=good: 60 * (term in good), (TERM,))

        [proposal] = propose_only(model, {"term": 4}, "approve")["proposals"]

        assert proposal["changes"] == [{"field": "term", "from": 4, "to": expected}]
        assert type(proposal["changes"][0]["to"]) is int


def test_ties_are_ordered_by_the_higher_score():
    housing = Feature(
        name="housing",
        type="category",
        categories=("own", "rent", "parents"),
        actionable=Actionable(to=("own", "parents")),
    )
    model = Fake(lambda housing: {0: 60, 1: 0, 2: 70}[housing], (housing,))

    assert changes(propose_only(model, {"housing": "rent"}, "approve")) == [{"housing": "parents"}]


def test_a_boolean_flips_only_in_its_direction():
    model = Fake(lambda employed: 60 * (employed == 0), (EMPLOYED,))

    assert propose_only(model, {"employed": True}, "approve")["proposals"] == []


def test_a_decision_that_is_already_reached_needs_no_change():
    for target, income in (("refer", 5000), ("refer", 9000), ("approve", 9000)):
        answer = propose(Fake(), target, income=income)

        assert (answer["outcome"], answer["proposals"]) == ("already reached", [])
        assert answer["search"]["scored"] == 0


def test_without_actionable_features_there_are_no_proposals():
    answer = propose_only(
        Fake(lambda enquiries: -enquiries, (ENQUIRIES,)), {"enquiries": 3}, "refer"
    )

    assert (answer["outcome"], answer["search"]["scored"]) == ("none within the ranges", 0)


def test_a_search_is_incomplete_if_a_range_exceeds_the_steps():
    short = Fake(features=(INCOME,), approve=999, refer=MAX_STEPS + 21)
    enough = Fake(features=(INCOME,), approve=999, refer=MAX_STEPS + 20)

    answer = propose_only(short, {"income": 2000}, "refer")

    assert answer["outcome"] == "none found, the search is not complete"
    assert answer["search"] == {
        "scored": MAX_STEPS,
        "complete": False,
        "max_fields": 3,
        "max_steps": MAX_STEPS,
    }
    found = propose_only(enough, {"income": 2000}, "refer")
    assert changes(found) == [{"income": 22_000}]
    assert found["search"]["complete"]


def test_no_more_candidates_are_scored_than_the_cap():
    wide = [
        Feature(
            name=f"amount_{i}", type="number", minimum=0, maximum=1e6, actionable=Actionable(step=1)
        )
        for i in range(4)
    ]
    model = Fake(lambda **_: 0, wide)

    answer = propose_only(model, {feature.name: 500.0 for feature in wide}, "approve")

    assert (answer["search"]["scored"], answer["search"]["complete"]) == (MAX_SCORED, False)
    assert model.rows == MAX_SCORED + 1


def test_every_broken_rule_is_named_at_once_and_no_value():
    body = {
        "application": {**APPLICATION, "debt": "12345.5", "id": 7},
        "changes": {"income": "4321.5", "housing": "castle", "shoe_size": 44, "id": "b-2"},
        "target": "decline",
        "bank": "north-bank",
    }

    rules = broken(body)

    assert set(rules) == {
        "bank",
        "application.debt",
        "application.id",
        "changes",
        "changes.id",
        "changes.income",
        "changes.housing",
        "changes.shoe_size",
        "target",
    }
    assert not [v for v in ("12345", "4321", "castle", "44", "north") if v in str(rules.values())]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"application", "changes"}),
        ({"application": APPLICATION}, {"changes"}),
        ({"application": [1], "target": "refer"}, {"application"}),
        ({"application": APPLICATION, "changes": {}, "target": "refer"}, {"changes"}),
        ({"application": APPLICATION, "changes": {}}, {"changes"}),
        ({"application": APPLICATION, "changes": ["income"]}, {"changes"}),
        ({"application": APPLICATION, "changes": None}, {"changes"}),
        ({"application": APPLICATION, "changes": {"debt": None}}, {"changes.debt"}),
        ({"application": APPLICATION, "target": None}, {"target"}),
        ({"application": APPLICATION, "target": ["approve"]}, {"target"}),
        ({"application": APPLICATION, "target": "decline"}, {"target"}),
    ],
)
def test_a_request_of_another_form_is_refused(body, fields):
    assert set(broken(body)) == fields


def test_a_target_above_every_decision_is_refused():
    model = Fake()
    model.contract = Contract.from_json(model.contract.to_json().replace("approve", "refer"))

    assert set(broken({"application": APPLICATION, "target": "approve"}, model)) == {"target"}


# A small world in which every candidate can be tried: amounts of at most four steps.
SMALL = (
    Feature(
        name="amount",
        type="number",
        minimum=0,
        maximum=4,
        actionable=Actionable(direction="decrease", step=1.5),
    ),
    Feature(name="term", type="integer", minimum=1, maximum=5, actionable=Actionable(step=1)),
    HOUSING,
    EMPLOYED,
    Feature(name="frozen", type="integer", minimum=0, maximum=3),
)
AMOUNTS = st.floats(0, 4).map(lambda x: round(x, 2))
SMALL_APPLICATIONS = st.fixed_dictionaries(
    {
        "amount": AMOUNTS,
        "term": st.integers(1, 5),
        "housing": st.sampled_from(HOUSING.categories),
        "employed": st.sampled_from([True, False, None]),
        "frozen": st.integers(0, 3),
    }
)


def jagged(seed):
    """A rule without any order in it."""
    weights = np.random.default_rng(seed).integers(1, 1000, 5)

    def rule(**fields):
        given_ = np.nan_to_num(np.array(list(fields.values())), nan=9)
        return int((weights * np.round(given_ * 100)).sum()) % 101

    return rule


def alternatives(application):
    """Every other value that the definition of SMALL allows, with its steps, by field."""
    amount, term = application["amount"], application["term"]
    return {
        "amount": {round(amount - 1.5 * n, 2): n for n in (1, 2) if amount - 1.5 * n >= 0},
        "term": {t: abs(t - term) for t in range(1, 6) if t != term},
        "housing": {"own": 1} if application["housing"] != "own" else {},
        "employed": {True: 1} if application["employed"] is False else {},
    }


def brute_force(model, application, accepted):
    """(fields, steps, -score) of the three smallest changes of different fields, all tried."""
    options = alternatives(application)
    found = []
    for size in (1, 2, 3):
        smaller, best = [moved for *_, moved in found], {}
        for names in combinations(options, size):
            for values in product(*(options[name] for name in names)):
                moved = {name: options[name][to] for name, to in zip(names, values, strict=True)}
                changed = {**application, **dict(zip(names, values, strict=True))}
                [answer] = model.answer([(changed, model.encoder.encode(changed))])
                contains = any(
                    all(moved.get(name, 0) >= steps for name, steps in other.items())
                    for other in smaller
                )
                if answer["decision"] in accepted and not contains:
                    rank = (size, sum(moved.values()), -answer["score"], moved)
                    best[names] = min(best.get(names, rank), rank, key=lambda rank: rank[:3])
        found += sorted(best.values(), key=lambda rank: rank[:3])
        if len(found) >= 3:
            break
    return [rank[:3] for rank in found[:3]]


@given(SMALL_APPLICATIONS, st.integers(0, 10_000), st.sampled_from(["approve", "refer"]))
def test_proposals_reach_the_target_and_nothing_smaller_does(application, seed, target):
    model = Fake(jagged(seed), SMALL, approve=95, refer=90)
    accepted = ("approve", "refer")[: 1 + (target == "refer")]

    answer = propose_only(model, application, target)

    if answer["outcome"] == "already reached":
        assert answer["before"]["decision"] in accepted
        return
    options = alternatives(application)
    for proposal in answer["proposals"]:
        moved = {c["field"]: c["to"] for c in proposal["changes"]}
        assert all(to in options[name] for name, to in moved.items())
        assert proposal["steps"] == sum(options[name][to] for name, to in moved.items())
        changed = {**application, **moved}
        [again] = model.answer([(changed, model.encoder.encode(changed))])
        assert again["decision"] in accepted
        assert {**proposal["after"], "id": ""} == {**again, "id": ""}
    sets = [frozenset(c["field"] for c in p["changes"]) for p in answer["proposals"]]
    assert len(set(sets)) == len(sets)
    assert answer["search"]["complete"]
    ranks = [(len(p["changes"]), p["steps"], -p["after"]["score"]) for p in answer["proposals"]]
    assert ranks == brute_force(model, application, accepted)
    assert what_if(model, {"application": application, "target": target}) == answer
