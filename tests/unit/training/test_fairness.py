import numpy as np

from functions.shared.contract import Feature
from training.fairness import group_figures


def test_groups_by_hand():
    values = np.array(["f", "f", "m", "m", "m", "m"])
    approved = np.array([True, False, True, True, True, False])
    y = np.array([0, 1, 0, 0, 1, 1], np.int8)

    found = group_figures(Feature(name="sex", type="category"), values, approved, y)

    # Approval rates 1/2 and 3/4: the ratio of the lower to the higher is 2/3.
    assert found["f"] == {
        "rows": 2,
        "bad_rate": 0.5,
        "approval_rate": 0.5,
        "adverse_impact_ratio": 0.666667,
    }
    assert found["m"]["adverse_impact_ratio"] == 1.0


def test_ages_are_grouped_and_62_begins_a_group():
    values = np.array(["20", "61", "62", "90", "nan"])
    every = np.ones(5, bool)

    found = group_figures(Feature(name="age", type="integer"), values, every, every.astype(np.int8))

    assert {name: group["rows"] for name, group in found.items()} == {
        "0 to 24": 1,
        "40 to 61": 1,
        "62 and over": 2,
    }
