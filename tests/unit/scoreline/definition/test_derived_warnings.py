from types import SimpleNamespace

import numpy as np
import pytest

from scoreline.core.features import DerivedFeature, Feature
from scoreline.definition.derived_warnings import derived_warnings
from scoreline.definition.files import load_definition


def warned(expression, *, direction=None, monotone=None, low=0.0, other=1.0):
    features = (
        Feature(name="x", type="number", minimum=low, maximum=100.0, monotone=direction),
        Feature(name="z", type="number", minimum=other, maximum=50.0),
    )
    derived = (DerivedFeature(name="d", expression=expression, monotone=monotone),)
    return list(derived_warnings(SimpleNamespace(features=features, derived=derived)))


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("z / x", "the denominator x may be 0"),
        ("z / (x - 5)", "the denominator x - 5 may be 0"),
        ("1 / (1 / x)", "the denominator x may be 0"),
        ("log(x)", "x may be 0 or less, where log has no value"),
    ],
)
def test_what_may_be_undefined_is_named(expression, reason):
    assert f"derived.d: {reason} within the declared ranges" in warned(expression)


@pytest.mark.parametrize("expression", ["x / z", "z / (x + 1)", "z / max(x, 1)", "log(x + 1)"])
def test_what_is_always_defined_gives_no_warning(expression):
    assert warned(expression) == []


@pytest.mark.parametrize(
    ("expression", "monotone"),
    [
        ("x / z", "increasing"),
        ("z / (x + 1)", "decreasing"),
        ("z - x", "decreasing"),
        ("log(x + 1) * z", "increasing"),
        ("max(x, z) + exp(x / 100)", "increasing"),
        ("x ** 2", "increasing"),
    ],
)
def test_a_direction_is_kept_by_the_right_direction_of_the_derived_feature(expression, monotone):
    wrong = {"increasing": "decreasing", "decreasing": "increasing"}[monotone]

    assert warned(expression, direction="increasing", monotone=monotone) == []
    [against] = warned(expression, direction="increasing", monotone=wrong)
    assert f"which is {wrong}, where {monotone} would keep it" in against
    [without] = warned(expression, direction="increasing")
    assert f'which has no direction; monotone = "{monotone}" keeps it' in without


@pytest.mark.parametrize("expression", ["x * (50 - x)", "x - 2 * x", "(x - 10) ** 2"])
def test_an_expression_that_may_turn_is_named(expression):
    [warning] = warned(expression, direction="increasing", monotone="increasing")

    assert warning.endswith("which does not move one way as x rises")


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("x / z", lambda x, z: x / z),
        ("z / (x + 1)", lambda x, z: z / (x + 1)),
        ("x * z - z", lambda x, z: x * z - z),
        ("max(x, z) / z", lambda x, z: np.maximum(x, z) / z),
        ("x ** 0.5 - z", lambda x, z: x**0.5 - z),
    ],
)
def test_known_directions_are_those_of_the_values(expression, values):
    x = np.linspace(0, 100, 400)
    kept = [
        m
        for m in ("increasing", "decreasing")
        if not warned(expression, direction="increasing", monotone=m)
    ]
    for z in (1.0, 7.0, 50.0):
        steps = np.diff(values(x, z))
        sign = {"increasing": 1, "decreasing": -1}[kept[0]]
        assert (sign * steps >= -1e-12).all()


def test_shipped_definitions_that_divide_by_what_is_never_0_give_no_warning():
    for model in ("german-credit", "loan-risk", "taiwan-default", "credit-card"):
        assert list(derived_warnings(load_definition(model).contract())) == []
