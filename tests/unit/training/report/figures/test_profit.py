"""Approvals and profit by cutoff in the manifest."""

from dataclasses import replace

import numpy as np
import pytest

from tests.answered import answered
from tests.sample import DEFINITION, PRICED, definition
from training.report.figures.bands import score_bands
from training.report.figures.profit import profit_by_cutoff
from training.report.plots.profit import strategy_plot


def held_out(scores, y):
    """Rows of which a good brings 10 and a default costs 40."""
    found = answered(scores, y)
    value = np.where(found.y == 1, -40.0, 10.0)
    return replace(found, rows=replace(found.rows, value=value))


@pytest.fixture
def rows():
    """Bad rates of 10 %, 20 %, 30 % and 50 % at four scores of 100 rows each."""
    scores = np.repeat([570, 560, 550, 530], 100)
    return held_out(scores, np.concatenate([np.arange(100) < bads for bads in (10, 20, 30, 50)]))


def profit(tmp_path, rows, text=PRICED):
    return profit_by_cutoff(definition(tmp_path, text), rows)


def test_each_decision_has_its_share_bad_rate_and_profit(tmp_path, rows):
    approve, refer, decline = profit(tmp_path, rows)["decisions"]

    assert (approve["min_score"], approve["share"], approve["bad_rate"]) == (560, 0.5, 0.15)
    # 170 goods bring 1,700 and 30 defaults cost 1,200, over 400 applicants.
    assert approve["profit"]["value"] == pytest.approx(500 / 400)
    assert (refer["decision"], refer["bad_rate"]) == ("refer", 0.3)
    assert refer["profit"]["value"] == pytest.approx(-500 / 400)
    assert (decline["min_score"], decline["profit"]["value"]) == (None, pytest.approx(-3.75))


def test_the_best_cutoff_is_where_the_profit_is_largest(tmp_path, rows):
    found = profit(tmp_path, rows)

    # At 560, the bad rate of 20 % is where gains and losses are equal: 570 brings as much.
    assert (found["best"]["min_score"], found["best"]["profit"]["value"]) == (570, 1.25)
    assert found["curve"]["score"] == [570, 560, 550, 530]
    assert found["curve"]["profit"] == pytest.approx([1.25, 1.25, 0, -3.75])
    assert found["curve"]["approved"] == [0.25, 0.5, 0.75, 1.0]
    assert found["curve"]["bad_rate"] == pytest.approx([0.1, 0.15, 0.2, 0.275])
    assert np.all(np.less(found["curve"]["low"], found["curve"]["profit"]))
    assert np.all(np.greater(found["curve"]["high"], found["curve"]["profit"]))


def test_a_default_rate_of_the_population_moves_all_figures(tmp_path, rows):
    rows = replace(rows, default_rate=0.05)

    found = profit(tmp_path, rows)

    assert (found["default_rate"], found["curve"]["bad_rate"][-1]) == (0.05, 0.05)
    assert found["curve"]["profit"][-1] == pytest.approx(0.95 * 10 - 0.05 * 40)
    assert found["best"]["min_score"] == 530
    # The score bands beside it are of the same population.
    bands = [band for band in score_bands(rows) if band["decision"] == "approve"]
    approve = found["decisions"][0]
    assert approve["share"] == pytest.approx(bands[-1]["approved"], rel=1e-5)
    assert approve["bad_rate"] == pytest.approx(bands[-1]["approved_bad_rate"], rel=1e-5)


def test_without_economics_there_is_no_section(tmp_path, rows):
    assert profit(tmp_path, rows, DEFINITION) is None


@pytest.mark.parametrize("decision", ["approve", "refer"])
def test_only_the_approved_have_a_place_on_the_strategy_curve(tmp_path, rows, decision):
    found = profit(tmp_path, rows)
    found["decisions"][0]["decision"] = decision

    marked = [key.text for key in strategy_plot(found).legend]

    assert ("the definition's cutoff" in marked) == (decision == "approve")


def test_rows_in_an_unlearned_state_are_approved_at_no_cutoff(tmp_path, rows):
    unlearned = np.arange(400) < 100  # those of 570 points

    found = profit(tmp_path, replace(rows, unlearned=unlearned))
    approve, refer, _ = found["decisions"]

    assert (approve["share"], refer["share"]) == (0.25, 0.5)
    assert max(found["curve"]["approved"]) == 0.75
    assert found["referred"] is None  # a band refers, and has them


def test_rows_that_no_band_could_refer_stand_apart(tmp_path, rows):
    bands = tuple(band for band in rows.contract.bands if band.decision != "refer")
    without = replace(rows, contract=replace(rows.contract, bands=bands))

    found = profit(tmp_path, replace(without, unlearned=np.arange(400) < 100))

    assert (found["referred"]["share"], found["referred"]["bad_rate"]) == (0.25, 0.1)


def test_where_all_rows_are_in_an_unlearned_state_there_is_no_profit_to_show(tmp_path, rows):
    assert profit(tmp_path, replace(rows, unlearned=np.ones(400, bool))) is None
