"""Figures of a watch computed by hand, and the limits that they break."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreline.governance.figures import Figures, Limits, population_stability

LIMITS = Limits(minutes=60, max_error_rate=0.02, max_score_drift=0.25, min_decisions=200)
HISTOGRAMS = st.dictionaries(st.integers(-30, 30), st.integers(1, 500), min_size=1)


def test_figures_are_computed_from_the_counts():
    counts = {"decisions": 4, "errors": 1, "compared": 2, "difference": -6}
    counts |= {"squared_difference": 20, "champion 0": 2, "shadow 0": 1, "shadow 1": 1}

    figures = Figures.from_counts(counts)

    assert (figures.decisions, figures.errors, figures.error_rate) == (4, 1, 0.2)
    assert (figures.mean_difference, figures.difference_sd) == (-3, 1)
    assert str(figures).startswith("4 decisions, error rate 20.0%, score drift ")
    assert str(figures).endswith("(mean difference -3.0 points, 2 compared)")


def test_before_the_first_decision_no_figure_exists_and_no_limit_is_broken():
    figures = Figures.from_counts({})

    assert (figures.error_rate, figures.score_drift, figures.mean_difference) == (None,) * 3
    assert LIMITS.broken_by(figures) == ""
    assert str(figures) == "0 decisions"


def test_stability_by_hand():
    # With half a count more in each of two groups: 100.5/201 each, and 50.5/201 with 150.5/201.
    moved = 50 / 201

    found = population_stability({0: 100, 1: 100}, {0: 50, 1: 150})

    assert found == pytest.approx(moved * (log(150.5 / 100.5) - log(50.5 / 100.5)))


def test_small_bins_are_merged_until_they_hold_a_tenth():
    fine = dict.fromkeys(range(20), 1)
    shifted = dict.fromkeys(range(1, 21), 1)

    assert population_stability(fine, fine) == 0
    assert population_stability(fine, shifted) < 0.1


def test_scores_outside_the_old_range_count():
    assert population_stability({0: 100}, {9: 100}) > 5
    assert population_stability({9: 100}, {0: 100}) > 5


@given(HISTOGRAMS, HISTOGRAMS)
def test_stability_is_not_negative_and_symmetric(before, after):
    found = population_stability(before, after)

    assert found >= 0
    assert found == pytest.approx(population_stability(after, before))


@given(HISTOGRAMS)
def test_the_same_scores_have_no_drift(histogram):
    assert population_stability(histogram, histogram) == 0


@pytest.mark.parametrize(
    ("decisions", "errors", "broken"),
    [(196, 4, ""), (195, 5, "error rate 2.5% is over 2.0%"), (0, 199, ""), (0, 200, "error rate")],
)
def test_the_error_rate_is_judged_once_there_are_enough_decisions(decisions, errors, broken):
    found = LIMITS.broken_by(Figures.from_counts({"decisions": decisions, "errors": errors}))

    assert found.startswith(broken)
    assert bool(found) == bool(broken)


@pytest.mark.parametrize(("compared", "broken"), [(199, False), (200, True)])
def test_the_drift_is_judged_once_enough_scores_are_compared(compared, broken):
    counts = {"decisions": 500, "compared": compared, "champion 0": compared, "shadow 5": compared}

    found = LIMITS.broken_by(Figures.from_counts(counts))

    assert found.startswith("score drift") == broken
