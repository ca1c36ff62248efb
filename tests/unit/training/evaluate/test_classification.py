from dataclasses import replace

import numpy as np
import pytest

from scoreline.core.contract import Band
from tests.sample import definition
from training.evaluate.classification import classification, confusion_counts, figures_of
from training.evaluate.intervals import wilson


def flagged_and_y(true_positives, false_positives, true_negatives, false_negatives):
    counts = [true_positives, false_positives, true_negatives, false_negatives]
    return np.repeat([True, True, False, False], counts), np.repeat([1, 0, 0, 1], counts)


def test_figures_by_hand():
    figures = figures_of(*flagged_and_y(30, 10, 50, 10))

    assert figures["accuracy"].value == 0.8
    assert figures["precision"].value == 0.75
    assert figures["recall"].value == 0.75
    assert figures["f1"].value == pytest.approx(0.75)
    assert 0.6 < figures["f1"].low < 0.7
    assert 0.8 < figures["f1"].high < 0.86


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Brown, Cai, DasGupta (2001) and R: prop.test(x, n, correct = FALSE)
    [(0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1)],
)
def test_wilsons_interval(successes, trials, low, high):
    interval = wilson(successes, trials)

    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.slow
def test_wilsons_interval_covers_what_it_promises():
    rng = np.random.default_rng(1)
    intervals = [wilson(int(hits), 60) for hits in rng.binomial(60, 0.15, 4_000)]

    assert np.mean([i.low <= 0.15 <= i.high for i in intervals]) == pytest.approx(0.95, abs=0.02)


def test_without_anybody_flagged_precision_is_unknown():
    figures = figures_of(*flagged_and_y(0, 0, 50, 10))

    assert figures["precision"] is None
    assert (figures["recall"].value, figures["f1"].value) == (0, 0)


def test_counts():
    flagged, y = np.array([True, True, False, False, False]), np.array([1, 0, 0, 0, 1])

    assert list(confusion_counts(flagged, y).values()) == [1, 1, 2, 1]


def test_whoever_is_declined_is_called_a_default(tmp_path):
    contract = definition(tmp_path).contract()  # 540 points at log-odds 0, declined under 540
    log_odds, y = np.array([1.0, 0.1, -0.1, -5.0]), np.array([1, 0, 1, 0])

    found = classification(contract, log_odds, y)

    assert (found["decision"], found["below_score"]) == ("decline", 540)
    assert (found["true_positives"], found["false_positives"]) == (1, 1)
    assert found["accuracy"]["value"] == 0.5


def test_whoever_is_referred_for_an_unlearned_state_is_not_called_a_default(tmp_path):
    contract = definition(tmp_path).contract()
    log_odds, y = np.array([1.0, 0.1, -0.1, -5.0]), np.array([1, 0, 1, 0])

    found = classification(contract, log_odds, y, unlearned=np.array([True, False, False, False]))

    assert (found["true_positives"], found["false_positives"]) == (0, 1)


def test_a_single_band_classifies_nobody(tmp_path):
    contract = replace(definition(tmp_path).contract(), bands=(Band(decision="approve"),))

    assert classification(contract, np.zeros(2), np.array([0, 1])) is None
