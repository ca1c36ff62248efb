"""Each rule of the reasons, on a model small enough to see through.

Five sources; the reference group's contributions are 0, one unit of margin is one unit of log-odds,
and a unit of log-odds is 20 / ln 2 = 28.85 points.
"""

from dataclasses import replace
from math import nan

import pytest

from scoreline.core.contract import Band, Contract, Reason, Reference, RiskLevel, ScoreScale
from scoreline.core.features import DerivedFeature, Feature
from scoreline.core.reasons import Explained, ReasonFinder

NAMES = ("income", "debt", "late", "enquiries", "ratio")


def reason(code, *features, **options):
    return Reason(
        code=code, features=features, text={"en": f"{code} en", "de": f"{code} de"}, **options
    )


REFERENCE = Reference(
    group="marginal_approved",
    rows=300,
    margin=0.0,
    log_odds=0.0,
    slope=1.0,
    contributions=(0.0,) * 5,
    best=(-1.0,) * 5,
    values=(2000.0, 500.0, 0.0, 1.0, None),
)
CONTRACT = Contract(
    model="small",
    task="default",
    description="",
    features=tuple(Feature(name=name, type="number", nullable=True) for name in NAMES[:4]),
    derived=(DerivedFeature(name="ratio", expression="debt / income"),),
    score_scale=ScoreScale(pdo=20),
    bands=(Band(decision="approve", min_score=500), Band(decision="decline")),
    risk_levels=(RiskLevel(name="any"),),
    reasons=(
        reason("INC", "income", missing={"en": "no income given", "de": "kein Einkommen"}),
        reason("DEBT", "debt", "ratio"),
        reason("LATE", "late"),
        reason("ENQ", "enquiries"),
    ),
    max_reasons=4,
    reference=REFERENCE,
)


def explained(*contributions, row=(2000.0, 500.0, 0.0, 1.0), approved=False, **options):
    values = (*row, 0.25)
    total = sum(contributions)
    return Explained(
        row,
        values,
        contributions,
        **{"margin": total, "log_odds": total, **options},
        approved=approved,
    )


def find(case, contract=CONTRACT, languages=()):
    return ReasonFinder(contract).find(case, languages)


def codes(case, contract=CONTRACT):
    return [found["code"] for found in find(case, contract)]


def test_points_by_hand():
    [found] = find(explained(0.5, 0, 0, 0, 0))

    # 0.5 units of log-odds are 14.4 points.
    assert found == {
        "code": "INC",
        "feature": "income",
        "points": -14,
        "text": "INC en",
        "kind": "adverse",
    }


def test_only_what_is_adverse_against_the_reference():
    reference = replace(REFERENCE, contributions=(0.6, 0.0, -0.5, 0.0, 0.0))
    contract = replace(CONTRACT, reference=reference)

    # Income contributes to default, but less than in the reference; late payment helps, but less.
    assert codes(explained(0.5, 0, -0.2, -1.0, 0), contract) == ["LATE"]


def test_the_largest_loss_comes_first_and_ties_follow_the_catalogue():
    assert codes(explained(0.2, 0, 0.9, 0.5, 0)) == ["LATE", "ENQ", "INC"]
    assert codes(explained(0.5, 0.5, 0.5, 0.5, 0)) == ["INC", "DEBT", "LATE", "ENQ"]
    assert codes(explained(0.5, 0.5 + 1e-9, 0.5, 0.5 + 1e-8, 0)) == ["INC", "DEBT", "LATE", "ENQ"]


def test_a_reason_costs_at_least_one_point_unless_it_is_the_only_one():
    # .01 units of log-odds are .3 points.
    assert codes(explained(0.5, 0.01, 0, 0, 0)) == ["INC"]
    assert codes(explained(0, 0.01, 0.005, 0, 0)) == ["DEBT"]


def test_a_family_is_one_reason_under_its_worst_member():
    [first, *_] = find(explained(0.5, 0.1, 0, 0, 0.6))

    assert (first["code"], first["feature"], first["points"]) == ("DEBT", "ratio", -20)


def test_members_of_a_family_offset_each_other():
    assert codes(explained(0.1, 0.9, 0, 0, -0.9)) == ["INC"]


def test_at_most_so_many_reasons():
    case = explained(0.4, 0.3, 0.2, 0.1, 0)

    assert len(codes(case)) == 4
    assert codes(case, replace(CONTRACT, max_reasons=2)) == ["INC", "DEBT"]


def test_inquiries_may_come_in_addition():
    reasons = (*CONTRACT.reasons[:3], replace(CONTRACT.reasons[3], inquiries=True))
    contract = replace(CONTRACT, max_reasons=2, reasons=reasons)

    assert codes(explained(0.4, 0.3, 0.2, 0.1, 0), contract) == ["INC", "DEBT", "ENQ"]
    assert codes(explained(0.4, 0.3, 0.2, -0.1, 0), contract) == ["INC", "DEBT"]
    assert codes(explained(0.2, 0.1, 0.3, 0.4, 0), contract) == ["ENQ", "LATE"]


def test_a_missing_value_has_its_own_text():
    case = explained(0.5, 0, 0, 0, 0, row=(nan, 500.0, 0.0, 1.0))

    assert find(case)[0]["text"] == "no income given"
    assert find(case, languages=["de"])[0]["text"] == "kein Einkommen"


def test_a_missing_value_without_its_own_text_has_the_usual_one():
    case = explained(0, 0.5, 0, 0, 0, row=(2000.0, nan, 0.0, 1.0))

    assert find(case)[0]["text"] == "DEBT en"


@pytest.mark.parametrize(
    ("languages", "text"),
    [((), "INC en"), (("de",), "INC de"), (("fr", "de", "en"), "INC de"), (("fr",), "INC en")],
)
def test_the_text_is_in_the_best_language_there_is(languages, text):
    assert find(explained(0.5, 0, 0, 0, 0), languages=languages)[0]["text"] == text


@pytest.mark.parametrize(
    ("direction", "value", "named"),
    [
        ("increasing", 499.0, False),
        ("increasing", 501.0, True),
        ("decreasing", 501.0, False),
        ("decreasing", 499.0, True),
        (None, 499.0, True),
        ("increasing", nan, True),
    ],
)
def test_a_monotone_feature_on_the_better_side_is_no_reason(direction, value, named):
    features = list(CONTRACT.features)
    features[1] = replace(features[1], monotone=direction)
    contract = replace(CONTRACT, features=tuple(features))

    found = codes(explained(0, 0.5, 0, 0, 0, row=(2000.0, value, 0.0, 1.0)), contract)

    assert found == (["DEBT"] if named else [])


def test_approved_applicants_see_what_lowered_their_score():
    found = find(explained(-0.2, -2.0, -0.6, -1.0, 0, approved=True))

    # Against the best tenth (-1): income -.2 is .8 above it, late -.6 is .4, ratio 0 is 1.0.
    assert [(r["code"], r["kind"]) for r in found] == [("INC", "held_back"), ("LATE", "held_back")]


def test_points_follow_a_calibration_that_bends():
    # Two units of margin are one of log-odds here: each lost unit costs half the points.
    case = explained(2.0, 0, 0, 0, 0, log_odds=1.0)

    assert find(case)[0]["points"] == -29


def test_at_the_reference_itself_its_slope_applies():
    contract = replace(CONTRACT, reference=replace(REFERENCE, slope=2.0))

    assert find(explained(0.5, -0.5, 0, 0, 0), contract)[0]["points"] == -29


def test_all_losses_together_are_the_difference_in_points():
    case = explained(0.4, 0.3, 0.2, 0.1, 0.25)

    lost = sum(r["points"] for r in find(case))

    assert lost == pytest.approx(-28.854 * 1.25, abs=2)
