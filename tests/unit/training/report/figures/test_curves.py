import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluate.metrics import auc, ks
from training.report.figures.curves import (
    POINTS,
    gain,
    histogram,
    ks_curve,
    reliability,
    roc,
)

# From the riskiest: default, good, default, good, good.
Y = np.array([1, 0, 1, 0, 0], np.int8)
PROBABILITY = np.array([0.9, 0.7, 0.6, 0.3, 0.1])


def test_roc_by_hand():
    found = roc(Y, PROBABILITY)

    assert found["defaults"] == [0, 1 / 2, 1 / 2, 1, 1, 1]
    assert found["goods"] == pytest.approx([0, 0, 1 / 3, 1 / 3, 2 / 3, 1])


def test_gain_by_hand():
    found = gain(Y, PROBABILITY)

    assert found["rows"] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert found["defaults"] == [0, 1 / 2, 1 / 2, 1, 1, 1]
    # A fifth of the rows has half of the defaults; half of the rows, halfway between, has 3/4.
    assert found["at"]["0.2"] == pytest.approx({"defaults": 0.5, "lift": 2.5})
    assert found["at"]["0.5"] == pytest.approx({"defaults": 0.75, "lift": 1.5})


def test_ks_by_hand():
    found = ks_curve(Y, np.array([500, 520, 530, 560, 560]))

    assert found["score"] == [500, 520, 530, 560]
    assert found["defaults"] == [1 / 2, 1 / 2, 1, 1]
    assert found["goods"] == pytest.approx([0, 1 / 3, 1 / 3, 1])
    assert found["widest"] == {"score": 530, "defaults": 1, "goods": pytest.approx(1 / 3)}


def test_equal_probabilities_are_one_point():
    found = roc(np.array([1, 0, 1, 0], np.int8), np.full(4, 0.5))

    assert (found["goods"], found["defaults"]) == ([0, 1], [0, 1])


def test_reliability_by_hand():
    y = np.array([0] * 10 + [0, 1] * 5, np.int8)
    probability = np.repeat(np.linspace(0.05, 0.95, 10), 2)

    bins = reliability(y, probability)

    assert [group["rows"] for group in bins] == [2] * 10
    assert [group["probability"] for group in bins] == pytest.approx(np.linspace(0.05, 0.95, 10))
    assert [group["bad_rate"]["value"] for group in bins] == [0] * 5 + [0.5] * 5
    # Wilson for 1 of 2: (0.5 + z2/4) / (1 + z2/2) -+ ..., symmetric about a half.
    assert bins[-1]["bad_rate"]["low"] == pytest.approx(0.0945, abs=1e-4)
    assert bins[-1]["bad_rate"]["high"] == pytest.approx(0.9055, abs=1e-4)


def test_histogram_counts_every_row_once():
    y = np.array([0, 0, 0, 1], np.int8)

    found = histogram(y, np.array([500, 501, 509, 505]))

    assert found["edges"] == list(range(500, 511))
    assert found["goods"] == pytest.approx([1 / 3, 1 / 3, *[0] * 7, 1 / 3])
    assert found["defaults"] == [0] * 5 + [1] + [0] * 4


@given(st.integers(0, 10_000), st.integers(40, 5_000))
def test_curves_agree_with_the_figures_and_stay_short(seed, count):
    rng = np.random.default_rng(seed)
    probability = rng.random(count).round(2)
    y = (rng.random(count) < probability).astype(np.int8)
    y[:2] = 0, 1

    found = roc(y, probability)
    widest = ks_curve(y, (1000 * (1 - probability)).astype(int))["widest"]

    assert len(found["goods"]) <= POINTS
    area = np.trapezoid(found["defaults"], found["goods"])
    assert area == pytest.approx(auc(y, probability), abs=1e-9)
    assert widest["defaults"] - widest["goods"] == pytest.approx(ks(y, probability), abs=1e-9)


def test_many_points_are_thinned_to_200_with_both_ends():
    rng = np.random.default_rng(1)
    probability = rng.random(100_000)
    y = (rng.random(100_000) < probability).astype(np.int8)

    found = roc(y, probability)

    assert len(found["goods"]) == POINTS
    assert (found["goods"][0], found["goods"][-1]) == (0, 1)
    area = np.trapezoid(found["defaults"], found["goods"])
    assert area == pytest.approx(auc(y, probability), abs=1e-3)
