from datetime import UTC, datetime
from typing import get_args

import pytest

from scoreline.core.contract import Constant, CreditFigure, RecommendationFigure
from scoreline.scoring.answer_fields import answer_fields

CREDIT = {
    "model": "sample",
    "version": "20261121T004512Z-3fa9c1d2",
    "probability_of_default": 0.25,
    "score": 560,
    "risk_score": 25.0,
    "risk_level": "high",
    "decision": "refer",
}
PRODUCTS = {
    "model": "shop",
    "version": "20261121T004512Z-3fa9c1d2",
    "recommendations": [{"product": "card"}, {"product": "fund"}],
}


@pytest.mark.parametrize(
    ("probability", "prediction"), [(0.0, 0), (0.499999, 0), (0.5, 1), (1.0, 1)]
)
def test_a_default_is_predicted_from_one_half_on(probability, prediction):
    answer = {**CREDIT, "probability_of_default": probability}

    assert answer_fields({"y": "predicted_default"}, answer) == {"y": prediction}


def test_figures_keep_their_values_and_constants_are_constant():
    named = {"pd": "probability_of_default", "points": "score", "status": Constant("success")}

    assert answer_fields(named, CREDIT) == {"pd": 0.25, "points": 560, "status": "success"}


def test_products_are_joined_by_spaces_in_their_order():
    assert answer_fields({"P": "recommended_products"}, PRODUCTS) == {"P": "card fund"}


def test_the_time_is_in_utc_and_iso_8601():
    [text] = answer_fields({"at": "answered_at"}, CREDIT).values()

    assert text.endswith("+00:00")
    assert abs((datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds()) < 60


@pytest.mark.parametrize(
    ("figures", "answer"), [(CreditFigure, CREDIT), (RecommendationFigure, PRODUCTS)]
)
def test_every_figure_of_the_list_has_a_value(figures, answer):
    names = get_args(figures)

    assert answer_fields({name: name for name in names}, answer).keys() == set(names)
