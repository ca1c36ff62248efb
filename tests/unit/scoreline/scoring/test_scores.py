import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scoreline.core.contract import Band, Contract, ScoreScale
from scoreline.scoring.scores import decisions, points, scores

BANDS = (Band("approve", 560), Band("refer", 540), Band("decline"))
LOG_ODDS = st.lists(st.floats(-20, 20), min_size=1, max_size=50)


@given(LOG_ODDS, st.floats(0.1, 100), st.floats(1, 100))
def test_scores_of_many_rows_are_those_of_each(log_odds, base_odds, pdo):
    scale = ScoreScale(base_score=600.0, base_odds=base_odds, pdo=pdo)

    assert points(scale, log_odds).tolist() == [scale.points(z) for z in log_odds]
    assert scores(scale, log_odds).tolist() == [scale.score(z) for z in log_odds]


def test_halves_go_to_the_even_score():
    scale = ScoreScale(base_score=0.5, base_odds=1.0, pdo=20.0)

    assert scores(scale, [0.0]).tolist() == [0]


def test_decisions_follow_the_bands():
    contract = Contract(model="m", task="default", description="", features=(), bands=BANDS)

    found = decisions(contract, np.array([539, 540, 700, 560, 559]))

    assert found.tolist() == ["decline", "refer", "approve", "approve", "refer"]
