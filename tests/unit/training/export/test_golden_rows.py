import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreline.core.contract import Contract, ScoreScale
from scoreline.core.features import Feature
from scoreline.scoring.application import ApplicationEncoder
from training.export.golden_rows import decode


def encoder(feature):
    contract = Contract(
        model="m",
        task="default",
        description="",
        features=(feature,),
        derived=(),
        score_scale=ScoreScale(),
        bands=(),
        risk_levels=(),
        reasons=(),
        max_reasons=4,
    )
    return ApplicationEncoder(contract)


def round_trip(feature, value):
    value = np.float32(value)
    application = {"x": decode(feature, float(value), str(value))}
    return np.float32(encoder(feature).encode(application)[0])


AMOUNT = Feature(
    name="x",
    type="number",
    nullable=True,
    minimum=0.1,
    maximum=99_999_999,
    special_codes={"none": 999_999_999},
)


@given(st.floats(0.125, 99_999_999))
def test_an_amount_in_the_range_encodes_to_what_it_came_from(value):
    assert round_trip(AMOUNT, value) == np.float32(value)


@pytest.mark.parametrize("value", [0.1, 99_999_999, 999_999_999])
def test_ends_and_special_codes_that_float32_rounds_are_still_accepted(value):
    assert round_trip(AMOUNT, value) == np.float32(value)


def test_missing_boolean_and_category():
    nan = float("nan")
    assert decode(AMOUNT, nan, "nan") is None
    assert decode(Feature(name="x", type="boolean"), 1.0, "1.0") is True
    category = Feature(name="x", type="category", categories=("a", "b"), unseen="accept")
    assert [decode(category, code, "") for code in (0.0, 1.0, -1.0)] == ["a", "b", "unseen"]
