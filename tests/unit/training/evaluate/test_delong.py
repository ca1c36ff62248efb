import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluate.delong import area_and_error, auc_figure, auc_interval, compare_auc, holm
from training.evaluate.score_counts import ScoreCounts

# DeLong et al. (1988), 43 of the 49 patients (albumin, total protein, K-G score, 0 is the event),
# as SAS/STAT prints them in "Comparing Receiver Operating Characteristic Curves" (LOGISTIC).
PATIENTS = np.fromstring(
    """
    3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0
    1.6 5.6 5 1  3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1
    4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1
    3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1
    3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1
    3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1
    3.6 6.6 5 1
    """,
    sep=" ",
).reshape(-1, 4)
EVENT = (PATIENTS[:, 3] == 0).astype(np.int8)
ALBUMIN, PROTEIN, K_G = -PATIENTS[:, 0], -PATIENTS[:, 1], PATIENTS[:, 2]


@pytest.mark.parametrize(
    ("score", "area", "error"),
    [(K_G, 0.7258, 0.1028), (ALBUMIN, 0.7366, 0.0927), (PROTEIN, 0.6478, 0.1000)],
    ids=["K-G", "albumin", "total protein"],
)
def test_areas_and_standard_errors_are_the_published_ones(score, area, error):
    found = area_and_error(ScoreCounts.of(EVENT, score))

    assert found == pytest.approx((area, error), abs=5e-5)


@pytest.mark.parametrize(
    ("score", "difference", "p_value"), [(ALBUMIN, 0.0108, 0.9102), (PROTEIN, -0.0780, 0.4561)]
)
def test_differences_are_the_published_ones(score, difference, p_value):
    found = compare_auc(EVENT, score, K_G)

    assert found.difference.value == pytest.approx(difference, abs=5e-5)
    assert found.p_value == pytest.approx(p_value, abs=5e-5)


def test_by_hand():
    # Goods .1 .4, defaults .3 .6 .9. First: shares of goods below 1/2, 1, 1, of defaults above
    # 1, 2/3; AUC 5/6. Second ranks the goods last: shares 0, 0, 0 and 0, 0; AUC 0. Differences 1/2
    # 1 1 and 1 2/3, variances 1/12 and 1/18, squared error 1/12/3 + 1/18/2 = 1/18: z = 5/6 sqrt 18.
    y = np.array([0, 0, 1, 1, 1], np.int8)
    first, second = np.array([0.1, 0.4, 0.3, 0.6, 0.9]), np.array([0.9, 0.8, 0.1, 0.2, 0.3])

    found = compare_auc(y, first, second)

    assert found.difference.value == pytest.approx(5 / 6)
    assert found.difference.high == pytest.approx(5 / 6 + 1.959964 / 18**0.5)
    assert found.p_value == pytest.approx(0.000407, abs=1e-6)  # z = 3.5355


scores = st.integers(4, 30).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 6), min_size=n, max_size=n)] * 2)
)


def by_definition(y, first, second):
    """The covariance matrix of DeLong et al. (1988), equations 4 to 6, pair by pair."""
    kernel = [np.sign(s[y == 1][:, None] - s[y == 0][None]) / 2 + 0.5 for s in (first, second)]
    over_goods, under_defaults = ([k.mean(axis) for k in kernel] for axis in (1, 0))
    m, n = len(over_goods[0]), len(under_defaults[0])
    covariance = np.cov(over_goods) / m + np.cov(under_defaults) / n
    contrast = np.array([1, -1])
    return contrast @ [k.mean() for k in kernel], np.sqrt(contrast @ covariance @ contrast)


@given(scores)
def test_equals_the_definition_and_is_symmetric(drawn):
    first, second = (np.array(values, float) for values in drawn)
    y = (np.arange(len(first)) % 2).astype(np.int8)

    found, turned = compare_auc(y, first, second), compare_auc(y, second, first)

    difference, error = by_definition(y, first, second)
    assert found.difference.value == pytest.approx(difference, abs=1e-12)
    half_width = (found.difference.high - found.difference.low) / 2
    assert half_width == pytest.approx(1.959964 * error, abs=1e-7)
    assert turned.p_value == found.p_value
    assert turned.difference.value == -found.difference.value
    assert 0 <= found.p_value <= 1


@given(scores)
def test_the_same_order_is_no_difference(drawn):
    first = np.array(drawn[0], float)
    y = (np.arange(len(first)) % 2).astype(np.int8)

    found = compare_auc(y, first, np.exp(first))

    assert (found.difference.value, found.p_value) == (0, 1)


def test_without_a_difference_five_in_a_hundred_are_below_5_percent():
    rng = np.random.default_rng(2)
    y = np.repeat([1, 0], [60, 140]).astype(np.int8)
    p_values = []
    for _ in range(400):
        shared = y + rng.normal(size=200)
        p_values.append(compare_auc(y, *(shared + rng.normal(scale=0.7, size=(2, 200)))).p_value)

    assert 0.02 <= np.mean(np.array(p_values) < 0.05) <= 0.08


def test_where_the_classes_are_apart_the_lower_end_is_that_of_the_pairs():
    # 40 pairs in order: an area of a has this chance a**40, which is 2.5 % at .9119.
    y = np.repeat([0, 1], [60, 40]).astype(np.int8)

    found = auc_interval(ScoreCounts.of(y, np.arange(100.0)))

    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(0.9119, abs=5e-5)


def test_below_30_defaults_the_interval_is_withheld():
    y = np.repeat([0, 1], [200, 29]).astype(np.int8)

    found = auc_figure(y, np.arange(229.0) % 17)

    assert (found.low, found.high, found.withheld) == (None, None, "fewer than 30 defaults")
    assert 0 < found.value < 1


def test_holm_by_hand():
    # In order .01 .02 .03 .4: times 4 3 2 1 = .04 .06 .06 .4, made non-decreasing.
    assert holm([0.4, 0.02, 0.01, 0.03]) == pytest.approx([0.4, 0.06, 0.04, 0.06])
    assert holm([]) == []
    assert holm([0.7, 0.8]) == [1, 1]
