"""Whom a challenger and the champion approve."""

from dataclasses import replace

import numpy as np
import pytest

from tests.answered import answered
from tests.sample import PRICED, definition
from training.incumbents.swap_set import find_swap_set, is_approved

BAD_EVERY = 4


@pytest.fixture
def priced(tmp_path):
    return definition(tmp_path, PRICED)


def rows(count=400):
    """Every fourth row is a default, which costs 40; the others bring 10."""
    y = (np.arange(count) % BAD_EVERY == 0).astype(np.int8)
    found = answered(np.full(count, 550), y).rows
    return replace(found, value=np.where(y == 1, -40.0, 10.0))


def approvals(count=400):
    """Both approve the first 100 rows, the challenger 40 more, and the champion 200 more."""
    position = np.arange(count)
    return position < 140, (position < 100) | (position >= 200)


def test_applicants_are_counted_with_their_bad_rate_and_profit(priced):
    found = find_swap_set(priced, rows(), *approvals())

    counted = {name: (group.rows, group.share) for name, group in found.groups.items()}
    assert counted == {
        "both": (100, 0.25),
        "challenger_only": (40, 0.1),
        "champion_only": (200, 0.5),
        "neither": (60, 0.15),
    }
    assert {group.bad_rate for group in found.groups.values()} == {0.25}
    # Three goods bring 30 and a default costs 40: a loss of 2.50 per approved applicant.
    assert found.groups["both"].profit.value == pytest.approx(-2.5 * 0.25)
    assert found.gain.value == pytest.approx(-2.5 * (0.1 - 0.5))
    assert found.gain.low < found.gain.value < found.gain.high
    assert found.currency == "EUR"


def test_the_same_approvals_differ_by_nothing(priced):
    challenger, _ = approvals()

    found = find_swap_set(priced, rows(), challenger, challenger)

    assert (found.gain.value, found.groups["challenger_only"].rows) == (0, 0)


def test_figures_are_those_of_the_population(tmp_path):
    text = PRICED.replace("[split]", "[calibration]\ndefault_rate = 0.05\n\n[split]")
    given = rows()
    given = replace(given, weight=np.where(np.arange(400) < 100, 3.0, 1.0))

    found = find_swap_set(definition(tmp_path, text), given, *approvals())

    assert found.groups["both"].bad_rate == pytest.approx(0.05)
    assert found.groups["both"].share == pytest.approx(0.5)
    assert found.groups["both"].profit.value == pytest.approx(0.5 * (0.95 * 10 - 0.05 * 40))


def test_few_applicants_have_no_figures_but_their_number(priced):
    challenger, champion = approvals()
    challenger = challenger & (np.arange(400) < 129)

    few = find_swap_set(priced, rows(), challenger, champion).groups["challenger_only"]

    assert (few.rows, few.bad_rate, few.profit) == (29, None, None)


def test_without_economics_there_is_no_money(tmp_path):
    found = find_swap_set(definition(tmp_path), rows(), *approvals())

    assert (found.currency, found.gain, found.groups["both"].profit) == (None, None, None)
    assert found.groups["both"].bad_rate == 0.25


def test_the_referred_are_not_approved(priced):
    contract = priced.contract()
    log_odds = (540 - np.array([600, 560, 559, 540, 500])) / contract.score_scale.factor

    assert is_approved(contract, log_odds).tolist() == [True, True, False, False, False]


def test_rows_in_an_unlearned_state_are_not_approved(priced):
    contract = priced.contract()
    log_odds = np.full(2, (540 - 600) / contract.score_scale.factor)
    by_score = replace(contract, unlearned_rule="score")

    assert is_approved(contract, log_odds, np.array([True, False])).tolist() == [False, True]
    assert is_approved(by_score, log_odds, np.array([True, False])).tolist() == [True, True]
