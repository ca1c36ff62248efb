from dataclasses import asdict
from functools import cache

import numpy as np
import pytest
from fairlearn.metrics import demographic_parity_ratio
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from scoreline.core.features import Feature
from scoreline.definition.gate_settings import GateSettings
from tests.answered import answered
from training.evaluate.group_differences import chance_of_a_lower_ratio, rate_ratio
from training.gates import fairness as gates
from training.report.figures.fairness import fairness, protected_groups

SETTINGS = GateSettings()


def gate(settings=SETTINGS, **features):
    """The gate on features with groups of (approved, rows) each."""
    features = {
        name: dict(enumerate(groups)) if isinstance(groups, list) else groups
        for name, groups in features.items()
    }
    return gates.fairness(list(features), {n: report(g) for n, g in features.items()}, settings)


def report(groups):
    """The report's figures of groups of (approved, rows) each, made of rows."""
    names = np.repeat([str(name) for name in groups], [rows for _, rows in groups.values()])
    approved = np.concatenate([np.arange(rows) < passed for passed, rows in groups.values()])
    held_out = answered(
        np.where(approved, 570, 550), np.arange(len(names)) % 3 == 0, protected={"of": names}
    )
    return fairness(held_out, protected_groups([Feature("of", "category")], held_out))["of"]


def test_a_group_of_which_nobody_is_approved_fails():
    found = gate(region={"north": (497, 540), "south": (0, 225)})

    assert (found.passed, found.value, found.threshold) == (False, 0.0, 0.8)
    assert found.sentence == (
        "The adverse impact ratio is below 0.8 for "
        'region "south" (0.00, 95 % interval 0.00 to 0.02).'
    )


@example(15, 58, 0.8)  # rounding lifts a rate above 1
@given(st.integers(1, 80), st.integers(1, 80), st.sampled_from([0.5, 0.75, 0.8, 0.9, 1.0]))
def test_where_all_of_the_reference_are_approved_the_chance_is_known(n, m, ratio):
    for passed in {0, round(ratio * n), n}:
        assert 0 <= chance_of_a_lower_ratio(ratio, passed, n, m, m) <= 1


@pytest.mark.parametrize(
    ("women", "passed"),
    [
        pytest.param((500, 1000), False, id="ratio .63, its interval ends at .68"),
        pytest.param((20, 40), True, id="the same ratio of few rows is no evidence"),
        pytest.param((610, 1000), True, id="ratio .76, its interval reaches .82"),
        pytest.param((780, 1000), True, id="ratio .98"),
    ],
)
def test_a_ratio_fails_on_evidence_that_it_is_below_four_fifths(women, passed):
    found = gate(sex={"f": women, "m": (800, 1000)})

    assert found.passed is passed
    assert found.value == pytest.approx(women[0] / women[1] / 0.8, abs=1e-6)
    assert 'sex "f"' in found.sentence


def test_the_threshold_is_the_lenders():
    groups = {"f": (500, 1000), "m": (800, 1000)}

    assert gate(GateSettings(min_adverse_impact_ratio=0.6), sex=groups).passed
    assert not gate(GateSettings(min_adverse_impact_ratio=0.7), sex=groups).passed


def test_the_ratio_is_that_of_fairlearn():
    sex = np.repeat(["f", "m"], [120, 80])
    approved = np.arange(200) % 120 < np.where(sex == "f", 45, 200)

    found = gate(sex={"f": (45, 120), "m": (80, 80)})

    theirs = demographic_parity_ratio(np.zeros(200), approved, sensitive_features=sex)
    assert found.value == pytest.approx(theirs, abs=1e-6)


def test_groups_that_cannot_be_tested_are_named():
    found = gate(
        region={"north": (50, 60), "south": (45, 60), "west": (0, 29)},
        sex={"m": (70, 149)},
    )

    assert found.passed
    assert found.sentence.endswith(
        'Not testable for want of rows, approvals or another group: region "west", sex "m".'
    )


@pytest.mark.parametrize(
    "groups",
    [
        pytest.param({"m": (70, 149)}, id="one group"),
        pytest.param({"f": (0, 29), "m": (70, 120)}, id="the other group is too small"),
        pytest.param({"f": (0, 29), "m": (10, 29)}, id="all groups are too small"),
        pytest.param({"f": (0, 80), "m": (0, 120)}, id="nobody is approved"),
        pytest.param({"f": (0, 80), "m": (3, 80)}, id="no number of approvals would be evidence"),
    ],
)
def test_a_report_that_compares_nobody_is_no_pass(groups):
    found = gate(sex=groups)

    assert (found.passed, found.value) == (None, None)
    assert found.sentence.startswith("No protected group can be compared with another.")
    assert all(f'sex "{name}"' in found.sentence for name in groups)


def test_without_protected_features_nothing_is_asked():
    assert gate().passed is None


def test_one_group_of_many_fails_on_stronger_evidence():
    doubtful, beside = (126, 200), [(170, 200)] * 10
    assert rate_ratio(*doubtful, 170, 200).high < 0.86

    alone = gate(GateSettings(min_adverse_impact_ratio=0.86), region=[doubtful, beside[0]])
    among = gate(GateSettings(min_adverse_impact_ratio=0.86), region=[doubtful, *beside])

    assert not alone.passed
    assert among.passed
    assert "Alone, but not among 10 groups, this would be evidence: region" in among.sentence


@pytest.mark.slow
@pytest.mark.parametrize("groups", [2, 4, 10])
def test_false_alarms_are_one_in_twenty_at_most(groups):
    """All groups but one lie exactly at the threshold, the worst that passes in truth."""
    rng = np.random.default_rng(1)
    draws = rng.binomial(200, [0.75, *[0.6] * (groups - 1)], (400, groups)).tolist()

    alarms = sum(
        not gates.fairness(["of"], {"of": figures(draw)}, SETTINGS).passed for draw in draws
    )

    assert binomtest(alarms, len(draws), 0.05, alternative="greater").pvalue > 0.01


def figures(approved):
    """What the gate reads of the report on groups of 200 rows each."""
    best = int(np.argmax(approved))
    return {
        str(number): {
            "rows": 200,
            "reference": number == best,
            "approval_rate": passed / 200,
            "adverse_impact_ratio": ratio(passed, approved[best]),
        }
        for number, passed in enumerate(approved)
    }


@cache
def ratio(passed, compared):
    return asdict(rate_ratio(passed, 200, compared, 200))


@given(
    st.integers(30, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.integers(30, 400).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))),
)
def test_a_chance_below_one_in_forty_is_an_interval_that_ends_below(rates, compared):
    high = rate_ratio(*rates, *compared).high

    assert chance_of_a_lower_ratio(high * 1.001, *rates, *compared) < 0.025
    assert chance_of_a_lower_ratio(high * 0.999, *rates, *compared) > 0.025
