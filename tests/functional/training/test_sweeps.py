import json

import numpy as np
import pytest

from scoreline.core.errors import TrainingError
from tests.sample import DEFINITION, applicants, definition
from training.train import train

pytestmark = pytest.mark.slow

DEBT = 'name = "debt"\ntype = "number"\nunit = "EUR"\n'
ENQUIRIES = 'name = "enquiries"\ntype = "integer"\n'


def text(**directions):
    changed = DEFINITION.replace('income"\ntype', 'income"\ntype')
    for key, line in directions.items():
        block = {"debt": DEBT, "enquiries": ENQUIRIES}[key]
        assert block in changed
        changed = changed.replace(block, block + line + "\n")
    return changed


def trained(tmp_path, definition_text, frame=None):
    (applicants(700) if frame is None else frame).to_parquet(tmp_path / "data.parquet")
    return train(definition(tmp_path, definition_text), str(tmp_path / "data.parquet"))


def test_the_exported_model_keeps_directions(tmp_path):
    bundle = trained(tmp_path, text(enquiries='monotone = "increasing"'))

    assert json.loads(bundle.files["manifest.json"])["monotone"] == {"enquiries": 0.0}


def test_a_derived_feature_that_moves_the_other_way_is_caught(tmp_path):
    frame = applicants(700)
    frame["outcome"] = np.where(frame["debt"] / frame["income"].abs() > 5, "bad", "good")
    made = text(debt='monotone = "decreasing"')

    bundle = trained(tmp_path, made, frame)

    gates = json.loads(bundle.files["manifest.json"])["gates"]
    [gate] = [gate for gate in gates if gate["gate"] == "monotonicity"]
    assert (bundle.status, gate["passed"]) == ("rejected", False)
    assert "debt" in gate["sentence"]


def aged(tmp_path, risky):
    rng = np.random.default_rng(4)
    frame = applicants(900).assign(age=rng.integers(18, 90, 900))
    noise = rng.random(900) < 0.15
    frame["outcome"] = np.where(risky(frame["age"]) ^ noise, "bad", "good")
    block = (
        '[[features]]\nname = "age"\ntype = "integer"\nminimum = 18\nmaximum = 100\nage = true\n'
    )
    return trained(tmp_path, DEFINITION.replace("[[derived]]", block + "\n[[derived]]"), frame)


def test_a_model_that_counts_62_and_over_against_applicants_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="applicants aged 62 and over score below"):
        aged(tmp_path, lambda age: age > 60)


def test_a_model_that_favours_62_and_over_passes(tmp_path):
    assert aged(tmp_path, lambda age: age < 62).score > 0.7
