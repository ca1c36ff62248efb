import pytest

from scoreline.core.errors import DefinitionError
from scoreline.definition.files import parse_definition, restore_definition
from tests import shop
from tests.sample import DEFINITION, definition

# Keys that manifests of the first releases record although they had no effect.
OF_RECOMMENDATIONS = {"labels": [], "top": 0}
OF_CREDIT = {
    "target": None,
    "tuning": None,
    "calibration": {"default_rate": None},
    "explanation": {"reference": "marginal_approved", "max_reasons": 4},
    "score": {"base_score": 600.0, "base_odds": 50.0, "pdo": 20.0},
    "bands": [],
    "risk_levels": [],
    "reasons": [],
}


def test_a_recorded_definition_is_restored(tmp_path):
    recorded = definition(tmp_path).model_dump(mode="json")
    old = recorded | OF_RECOMMENDATIONS | {"split": recorded["split"] | {"column": ""}}

    assert restore_definition(recorded) == definition(tmp_path)
    assert restore_definition(old).digest == definition(tmp_path).digest


def test_a_recorded_recommendation_is_restored(tmp_path):
    recorded = shop.definition(tmp_path).model_dump(mode="json")
    old = recorded | OF_CREDIT | {"report": recorded["report"] | {"segments": []}}

    assert restore_definition(recorded) == shop.definition(tmp_path)
    assert restore_definition(old).digest == shop.definition(tmp_path).digest


def test_a_recorded_key_of_a_newer_release_is_refused(tmp_path):
    recorded = definition(tmp_path).model_dump(mode="json")

    with pytest.raises(
        DefinitionError, match="the recorded definition: quotas: is not a known key"
    ):
        restore_definition(recorded | {"quotas": []})


def test_broken_rules_are_reported_together_with_a_wrong_type(tmp_path):
    text = DEFINITION.replace("pdo = 20", "pdo = -20").replace("step = 1000", "step = 0")
    text = text.replace("max_depth = 3", 'max_depth = "deep"').replace(
        "test_share = 0.3", "seed = 0.5"
    )

    with pytest.raises(DefinitionError) as raised:
        definition(tmp_path, text)

    assert raised.value.message.splitlines() == [
        "sample.toml: algorithm.parameters.max_depth: must be a whole number",
        "sample.toml: split.seed: Input should be a valid integer",
        "sample.toml: features.debt.actionable.step: must be positive, and whole for an integer",
        "sample.toml: score.pdo: must be above 0",
    ]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"split": {"column": "year"}}, "split.column: is for the method time"),
        ({"split": {"method": "year"}}, "split.method: must be one of: random, time"),
        ({"algorithm": {}}, "algorithm.name: is needed"),
        ({"algorithm": "xgboost"}, "algorithm: Input should be an object"),
        ({"report": {"segments": ["age"]}, "task": "recommendation"}, "is for the task default"),
    ],
)
def test_keys_of_another_variant_are_refused(raw, message):
    with pytest.raises(DefinitionError) as raised:
        parse_definition("x.toml", raw)

    assert message in raised.value.message
