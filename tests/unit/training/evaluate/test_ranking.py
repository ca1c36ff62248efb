import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluate.intervals import mean_interval
from training.evaluate.ranking import average_precision, evaluate_ranking, ranked


def ap(owned, ranking, k):
    labels = np.zeros((1, 6), np.int8)
    labels[0, owned] = 1
    return float(average_precision(labels, np.array([ranking]), k)[0])


@pytest.mark.parametrize(
    ("owned", "ranking", "k", "expected"),
    [
        pytest.param([0], [0, 1, 2, 3, 4, 5], 3, 1, id="first"),
        pytest.param([2], [0, 1, 2, 3, 4, 5], 3, 1 / 3, id="third"),
        pytest.param([3], [0, 1, 2, 3, 4, 5], 3, 0, id="behind k"),
        # hits at places 1 and 3: (1/1 + 2/3) / 2
        pytest.param([0, 2], [0, 1, 2, 3, 4, 5], 3, 5 / 6, id="two of two"),
        # hits at places 2 and 3, a third product behind: (1/2 + 2/3) / 3
        pytest.param([1, 2, 5], [0, 1, 2, 3, 4, 5], 3, 7 / 18, id="two of three"),
        # four owned, only two places: (1/1) / 2
        pytest.param([0, 3, 4, 5], [0, 1, 2, 3, 4, 5], 2, 1 / 2, id="more than k"),
        pytest.param([], [0, 1, 2, 3, 4, 5], 3, 0, id="none owned"),
    ],
)
def test_average_precision_by_hand(owned, ranking, k, expected):
    assert ap(owned, ranking, k) == pytest.approx(expected)


def apk(actual, predicted, k):
    """Hamner's ml_metrics.apk, written down as it is published."""
    predicted = predicted[:k]
    score, hits = 0.0, 0.0
    for i, p in enumerate(predicted):
        if p in actual and p not in predicted[:i]:
            hits += 1.0
            score += hits / (i + 1.0)
    return score / min(len(actual), k) if actual else 0.0


@given(st.sets(st.integers(0, 5)), st.permutations(range(6)), st.integers(1, 6))
def test_it_equals_kaggles_metric(owned, ranking, k):
    assert ap(sorted(owned), ranking, k) == pytest.approx(apk(owned, list(ranking), k))


def test_equal_probabilities_rank_in_the_order_of_the_labels():
    assert ranked(np.array([[0.2, 0.5, 0.2, 0.9]])).tolist() == [[3, 1, 0, 2]]


def test_model_popularity_and_difference_by_hand():
    owned = np.array([[1, 0], [0, 1], [0, 1], [0, 0]], np.int8)
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.1]])

    figures = evaluate_ranking(owned, probabilities, np.array([0.7, 0.3]), 2)

    # AP@2 by model 1, 1, 1/2, 0; by popularity, which always puts the first product first, 1, 1/2,
    # 1/2, 0. Squared errors: 0.01, 0.04, 0.36 and 0.25 + 0.01 over both products.
    values = {name: interval.value for name, interval in figures.items()}
    assert values == pytest.approx(
        {
            "map_at_2": 2.5 / 4,
            "map_at_2_popularity": 2 / 4,
            "map_at_2_gain": 0.5 / 4,
            "brier": (0.01 + 0.04 + 0.36 + 0.13) / 4,
        }
    )
    assert all(interval.low <= interval.value <= interval.high for interval in figures.values())


def test_the_interval_of_a_mean_is_that_of_its_standard_error():
    values = np.random.default_rng(3).normal(10, 2, 4000)

    interval = mean_interval(values)

    half = 1.96 * 2 / np.sqrt(4000)
    assert interval.high - interval.low == pytest.approx(2 * half, rel=0.15)
    assert interval.value == pytest.approx(10, abs=3 * half)
