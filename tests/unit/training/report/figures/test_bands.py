from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.answered import answered
from training.report.figures.bands import band_edges, score_bands


def test_edges_are_multiples_of_half_the_doubling_points_and_cutoffs():
    edges = band_edges(np.array([503, 557]), [545, 510, 600], pdo=20)

    assert edges.tolist() == [503, 510, 520, 530, 540, 545, 550, 558]


def test_bands_by_hand():
    # 40 rows at 570 with 4 defaults, 40 at 550 with 10, 40 at 530 with 20.
    scores = np.repeat([570, 550, 530], 40)
    y = np.concatenate([np.arange(40) < bad for bad in (4, 10, 20)])

    best, middle, worst = score_bands(answered(scores, y))

    assert (best["low"], best["high"], best["decision"]) == (560, 570, "approve")
    assert (middle["low"], middle["high"], middle["decision"]) == (540, 559, "refer")
    assert (worst["low"], worst["high"], worst["decision"]) == (530, 539, "decline")
    assert [band["rows"] for band in (best, middle, worst)] == [40, 40, 40]
    assert [band["defaults"] for band in (best, middle, worst)] == [4, 10, 20]
    assert best["bad_rate"]["value"] == 0.1
    # A cutoff at the middle band approves 80 of 120, of whom 14 default.
    assert middle["approved"] == pytest.approx(2 / 3, abs=1e-6)
    assert middle["approved_bad_rate"] == 14 / 80
    # 570 points are odds of 2 ** 1.5 : 1.
    assert best["probability"] == pytest.approx(1 / (1 + 2**1.5), abs=1e-6)


def test_a_band_of_few_rows_joins_its_neighbour_but_spans_no_cutoff():
    # 5 rows in 570 to 579 are too few; 5 rows of the refer band are its only ones.
    scores = np.concatenate([np.repeat(565, 40), np.repeat(575, 5), [545] * 5, [520] * 40])

    bands = score_bands(answered(scores, np.arange(90) % 2))

    found = [(band["low"], band["high"], band["rows"]) for band in bands]
    assert found == [(560, 575, 45), (540, 559, 5), (520, 539, 40)]


@given(st.integers(0, 10_000), st.integers(2, 3_000))
def test_bands_contain_every_row_once_and_one_decision(seed, count):
    rng = np.random.default_rng(seed)
    held_out = answered(rng.normal(550, 40, count), rng.random(count) < 0.3)

    bands = score_bands(held_out)

    assert sum(band["rows"] for band in bands) == count
    assert sum(band["defaults"] for band in bands) == held_out.y.sum()
    assert bands[-1]["approved"] == 1
    for band in bands:
        inside = (held_out.scores >= band["low"]) & (held_out.scores <= band["high"])
        assert set(held_out.decisions[inside]) == {band["decision"]}


def test_vectorised_scores_and_decisions_are_those_of_serving():
    rng = np.random.default_rng(1)
    held_out = answered(rng.normal(550, 40, 1000), rng.random(1000) < 0.3)

    scores = [held_out.contract.score_scale.score(z) for z in held_out.log_odds]

    assert held_out.scores.tolist() == scores
    assert held_out.decisions.tolist() == [held_out.contract.decide(score) for score in scores]


def test_rows_in_an_unlearned_state_are_in_no_band_and_come_last():
    scores, y = np.repeat([570, 550, 530], 40), np.arange(120) % 4 == 0
    unlearned = np.arange(120) % 40 < 10  # ten of every forty
    rows = replace(answered(scores, y), unlearned=unlearned)

    *bands, last = score_bands(rows)

    assert [band["rows"] for band in bands] == [30, 30, 30]
    assert (last["low"], last["high"], last["decision"], last["rows"]) == (None, None, "refer", 30)
    # No cutoff approves them.
    assert [band["approved"] for band in bands] == [0.25, 0.5, 0.75]
    assert sum(band["share"] for band in (*bands, last)) == pytest.approx(1)
    by_score = replace(rows.contract, unlearned_rule="score")
    assert len(score_bands(replace(rows, contract=by_score))) == 3


def test_where_all_rows_are_in_an_unlearned_state_there_is_no_band():
    rows = replace(answered([570, 530], [0, 1]), unlearned=np.ones(2, bool))

    assert [band["decision"] for band in score_bands(rows)] == ["refer"]
