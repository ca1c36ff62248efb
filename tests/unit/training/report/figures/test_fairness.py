import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from scoreline.core.features import Feature
from tests.answered import answered
from training.evaluate.group_differences import (
    rate_difference,
    rate_ratio,
    standardised_mean_difference,
)
from training.report.figures.fairness import fairness, intersections, protected_groups

SEX = Feature(name="sex", type="category")


@pytest.mark.parametrize(
    "rates", [(30, 100, 50, 100), (1, 40, 300, 310), (90, 95, 400, 401), (3, 30, 3, 33)], ids=str
)
def test_the_ratio_has_the_score_interval_of_statsmodels(rates):
    found = rate_ratio(*rates)

    low, high = confint_proportions_2indep(
        *rates, compare="ratio", method="score", correction=False
    )
    assert found.value == pytest.approx(rates[0] / rates[1] / (rates[2] / rates[3]))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6)


def test_a_group_of_which_nobody_is_approved_has_the_ratio_0():
    found = rate_ratio(0, 225, 500, 540)

    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(0.01813, abs=1e-5)  # statsmodels
    assert rate_ratio(0, 30, 0, 40) is None  # nobody of anybody


def test_where_all_are_approved_the_interval_holds_1():
    found = rate_ratio(225, 225, 540, 540)

    assert found.low == pytest.approx(0.98321, abs=1e-5)  # statsmodels
    assert found.low < found.value == 1 < found.high


def test_the_standardised_difference_and_its_interval_by_hand():
    # Means 10 and 12, variance 2 in both: -2 / sqrt(2), error sqrt(1/3 + 1/3 + 2/12).
    values = np.array([10 - 2**0.5, 10, 10 + 2**0.5])

    found = standardised_mean_difference(values, values + 2)

    assert found.value == pytest.approx(-(2**0.5), abs=1e-6)
    assert found.high - found.value == pytest.approx(1.959964 * (2 / 3 + 1 / 6) ** 0.5, abs=1e-5)
    assert standardised_mean_difference(np.array([5, 5]), np.array([5, 5])) is None


def test_the_difference_has_newcombes_interval():
    # Newcombe 1998, Table II (a): 56/70 less 48/80 is .2 with .0524 to .3339.
    found = rate_difference(56, 70, 48, 80)

    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def made():
    """40 women, half approved, and 60 men, 45 approved; every fourth of each defaults."""
    sex = np.repeat(["f", "m"], [40, 60])
    scores = np.concatenate([np.repeat([570, 550], 20), np.repeat([580, 545], [45, 15])])
    ages = np.where(np.arange(100) % 2, "30", "70")
    y = np.arange(100) % 4 == 0
    return answered(scores, y, protected={"sex": sex, "age": ages})


def test_groups_are_compared_with_the_one_that_is_approved_most():
    held_out = made()

    found = fairness(held_out, protected_groups([SEX], held_out))["sex"]

    assert found["m"]["reference"]
    assert not found["f"]["reference"]
    assert found["f"]["rows"] == 40
    assert found["f"]["bad_rate"] == 0.25
    assert found["f"]["approval_rate"] == 0.5
    assert found["f"]["adverse_impact_ratio"]["value"] == pytest.approx(0.5 / 0.75, abs=1e-6)
    # Of the 30 women who do not default 15 are approved, of the 45 men 33.
    assert found["f"]["equal_opportunity"]["value"] == pytest.approx(15 / 30 - 33 / 45, abs=1e-6)
    assert found["f"]["score_difference"]["high"] < 0


def test_a_small_group_has_no_figures_and_is_compared_with_none():
    values = np.repeat(["a", "b", "c"], [40, 40, 5])
    scores = np.concatenate([np.repeat([570, 550], 40), np.full(5, 590)])
    held_out = answered(scores, np.arange(85) % 3 == 0, protected={"sex": values})

    found = fairness(held_out, protected_groups([SEX], held_out))["sex"]

    assert found["c"] == {"rows": None}
    assert found["a"]["reference"]


def test_a_few_lucky_rows_are_no_reference():
    """31 of 1,631 rows, all approved, would hide that "b" is approved half as often as "a"."""
    values = np.repeat(["a", "b", "few"], [800, 800, 31])
    scores = np.repeat([570, 550, 570, 550, 570], [640, 160, 320, 480, 31])
    held_out = answered(scores, np.arange(1631) % 3 == 0, protected={"sex": values})

    found = fairness(held_out, protected_groups([SEX], held_out))["sex"]

    assert [name for name, group in found.items() if group["reference"]] == ["a"]
    assert found["b"]["adverse_impact_ratio"]["value"] == pytest.approx(0.5)
    assert found["few"]["adverse_impact_ratio"]["value"] == pytest.approx(1.25)


def test_nobody_approved_leaves_no_ratio():
    held_out = answered(np.full(60, 550), np.arange(60) % 2, protected={"sex": ["f", "m"] * 30})

    found = fairness(held_out, protected_groups([SEX], held_out))["sex"]

    assert [group["adverse_impact_ratio"] for group in found.values()] == [None, None]
    assert [group["score_difference"] for group in found.values()] == [None, None]


def test_intersections_are_of_two_features_each():
    held_out = made()
    features = [SEX, Feature(name="age", type="integer")]

    found = intersections(held_out, protected_groups(features, held_out))

    assert list(found) == ["sex and age"]
    assert {name: group["rows"] for name, group in found["sex and age"].items()} == {
        "f, 25 to 39": None,
        "f, 62 and over": None,
        "m, 25 to 39": 30,
        "m, 62 and over": 30,
    }


def test_codes_and_numbers_that_are_no_age_are_not_given():
    age = Feature("age", "integer", special_codes={"unknown": 999, "refused": -1})
    held_out = answered(
        np.full(6, 550),
        [0, 1, 0, 1, 0, 1],
        protected={"age": ["999", "-1", "-7", "inf", "None", "70"]},
    )

    [groups] = protected_groups([age], held_out).values()

    counts = {name: int(rows.sum()) for name, rows in groups.items()}
    assert counts == {"62 and over": 1, "not given": 5}


def test_spaces_and_words_for_missing_make_no_group():
    sex = Feature("sex", "category", categories=("NA", "f"))
    values = ["f", "f ", "NA", "nan", " ", "None"]
    held_out = answered(np.full(6, 550), [0, 1, 0, 1, 0, 1], protected={"sex": values})

    [groups] = protected_groups([sex], held_out).values()

    counts = {name: int(rows.sum()) for name, rows in groups.items()}
    assert counts == {"NA": 1, "f": 2, "not given": 3}


def test_ages_are_grouped_and_62_begins_a_group():
    ages = ["20", "61", "62", "90", "nan"]
    held_out = answered(np.full(5, 550), [0, 1, 0, 1, 0], protected={"age": ages})

    [groups] = protected_groups([Feature(name="age", type="integer")], held_out).values()

    assert {name: int(rows.sum()) for name, rows in groups.items()} == {
        "under 25": 1,
        "40 to 61": 1,
        "62 and over": 2,
        "not given": 1,
    }
