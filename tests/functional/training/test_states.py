"""Applications with states that no row taught the model, from the training to every answer."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from batch.encoding import FileEncoder
from batch.model import BatchModel
from scoreline.core.contract import Contract
from scoreline.core.errors import InvalidApplicationError
from scoreline.core.versions import VersionRef, Watch, digest
from scoreline.scoring.batch_answers import answer_batch
from scoreline.scoring.many_rows import open_session
from scoreline.scoring.model import ScoringModel
from scoreline.scoring.online import Applicant
from scoreline.scoring.whatif import what_if
from scoreline.serving.verification import verify
from scoreline.serving.watch import ChampionWatch
from tests import sample, shop
from tests.shared import trained
from training.train import train

pytestmark = pytest.mark.slow

DEFINITION = """
name = "sample"
description = "Invented loans"
dataset = "datasets/sample/"

[target]
column = "defaulted"
default = [1]
good = [0]

[algorithm]
name = "lightgbm"
parameters = { n_estimators = 30 }

[score]
base_score = 500
base_odds = 1
pdo = 20

[[bands]]
decision = "approve"
min_score = 480

[[bands]]
decision = "decline"

[[risk_levels]]
name = "low"
max_probability = 0.2

[[risk_levels]]
name = "high"

[[features]]
name = "income"
type = "number"
minimum = 0
maximum = 1e6

[[features]]
name = "loan"
type = "number"
minimum = 0
maximum = 1e6
actionable = { direction = "decrease", step = 1000 }

[[features]]
name = "inquiries"
type = "integer"
minimum = 0
maximum = 99
nullable = true
special_codes = { no_record = -99 }

[[features]]
name = "housing"
type = "category"
categories = ["own", "rent", "boat"]
nullable = true
actionable = { to = ["own", "boat"] }

[[features]]
name = "employed"
type = "boolean"

[[derived]]
name = "loan_to_income"
expression = "loan / (12 * income)"

[[derived]]
name = "twice"
expression = "2 * loan_to_income"
"""
APPLICATION = {
    "income": 3000,
    "loan": 9000,
    "inquiries": 1,
    "housing": "own",
    "employed": True,
}
UNLEARNED = {
    "missing": ({"inquiries": None}, ["inquiries"]),
    "special code": ({"inquiries": -99}, ["inquiries"]),
    "category": ({"housing": "boat"}, ["housing"]),
    "missing category": ({"housing": None}, ["housing"]),
    "boolean": ({"employed": False}, ["employed"]),
    "undefined": ({"income": 0}, ["loan_to_income", "twice"]),
    "several": ({"income": 0, "inquiries": -99}, ["inquiries", "loan_to_income", "twice"]),
}
every_state = pytest.mark.parametrize(("change", "names"), UNLEARNED.values(), ids=UNLEARNED)


def loans(count=800):
    """Loans of which every field is filled in, and every customer is employed."""
    rng = np.random.default_rng(1)
    income, loan = rng.lognormal(8, 0.4, count).round(), rng.lognormal(9, 0.6, count).round()
    inquiries = rng.poisson(2, count)
    margin = loan / income / 3 + 0.5 * inquiries - 2.5
    return pd.DataFrame(
        {
            "income": income,
            "loan": loan,
            "inquiries": inquiries,
            "housing": rng.choice(["own", "rent"], count),
            "employed": True,
            "defaulted": (rng.logistic(size=count) < margin).astype(int),
        }
    )


def made(key, text=DEFINITION):
    def make(folder):
        loans().to_parquet(folder / "data.parquet")
        return train(sample.definition(folder, text), str(folder / "data.parquet"))

    return trained(f"states-{key}", make)


def with_rule(rule):
    return DEFINITION.replace("[target]", f'unlearned = "{rule}"\n\n[target]')


def model_of(bundle):
    return ScoringModel.from_onnx(bundle.files["model.onnx"])


def answer(model, application):
    [found] = model.answer([(application, model.encoder.encode(application))])
    return found


def in_file(bundle, applications):
    """The answers, and the rejected rows, of a file with these applications."""
    model = BatchModel(open_session(bundle.files["batch.onnx"]), "")
    table = pa.Table.from_pylist(applications)
    encoder = FileEncoder(model.contract, table.schema, None, untyped=False)
    encoded = model.refused(encoder.encode(table))
    columns = model.answer(encoded.accepted)
    return {
        name: pa.array(column).to_pylist() for name, column in columns.items() if name != "version"
    }, [(field, rule, np.flatnonzero(rows).tolist()) for field, rule, rows in encoded.broken]


@pytest.fixture(scope="module")
def bundle():
    return made("refer")


@pytest.fixture(scope="module")
def model(bundle):
    return model_of(bundle)


def test_what_the_rows_taught_is_decided_by_its_score(model):
    found = answer(model, APPLICATION)

    assert found["decision"] == "approve"
    assert "unlearned" not in found


@every_state
def test_an_unlearned_state_is_referred_though_no_band_refers(bundle, model, change, names):
    application = {**APPLICATION, **change}

    found = answer(model, application)
    columns, _ = in_file(bundle, [APPLICATION, application])

    assert (found["decision"], found["unlearned"]) == ("refer", names)
    assert columns["decision"] == ["approve", "refer"]
    assert columns["unlearned"] == [None, ",".join(names)]
    assert found["reasons"]


@every_state
def test_it_can_be_refused_with_field_and_state(change, names):
    refusing = made("refuse", with_rule("refuse"))
    model, application = model_of(refusing), {**APPLICATION, **change}

    with pytest.raises(InvalidApplicationError) as error:
        answer(model, application)
    columns, broken = in_file(refusing, [application, APPLICATION])

    assert [field.field for field in error.value.fields] == names
    assert all("has not learned" in field.rule for field in error.value.fields)
    assert [(field, rows) for field, _, rows in broken] == [(name, [0]) for name in names]
    assert columns["decision"] == ["approve"]


def test_a_refusal_in_a_batch_leaves_the_other_applications_their_answers():
    model = model_of(made("refuse", with_rule("refuse")))
    items = [APPLICATION, {**APPLICATION, "id": "zero", "income": 0}, APPLICATION]

    def read(model, item):
        return Applicant(item, model.encoder.encode(item))

    found = answer_batch(model, items, read, (), 10)

    assert [result.get("decision") for result in found] == ["approve", None, "approve"]
    assert found[1]["id"] == "zero"
    assert found[1]["error"]["fields"][0] == {
        "field": "loan_to_income",
        "rule": "is in a state that the model has not learned: undefined",
    }


@every_state
def test_the_score_may_decide_by_choice(change, names):
    scoring = made("score", with_rule("score"))
    model, application = model_of(scoring), {**APPLICATION, **change}

    found = answer(model, application)

    assert found["decision"] == model.contract.decide(found["score"])
    assert found["unlearned"] == names
    assert in_file(scoring, [application])[0]["decision"] == [found["decision"]]


@pytest.mark.parametrize(
    "algorithm",
    ["logistic_regression", "woe_scorecard", "random_forest", "gradient_boosting", "xgboost"],
)
def test_every_algorithm_refers(algorithm):
    parameters = "parameters = { n_estimators = 30 }"
    text = DEFINITION.replace('"lightgbm"', f'"{algorithm}"')
    if algorithm in ("logistic_regression", "woe_scorecard"):
        text = text.replace(parameters, "")
    found = made(algorithm, text)
    model = model_of(found)

    for change, names in UNLEARNED.values():
        application = {**APPLICATION, **change}
        referred = answer(model, application)
        assert (referred["decision"], referred["unlearned"]) == ("refer", names)
        assert in_file(found, [application])[0]["unlearned"] == [",".join(names)]


def test_the_manifest_and_the_report_list_every_state(bundle):
    manifest = json.loads(bundle.files["manifest.json"])
    report = bundle.files["report.html"].decode()
    rows = {(s["feature"], s["state"]): s for s in manifest["states"]["states"]}

    assert rows["inquiries", "number"]["rows"] == manifest["dataset"]["train"]["rows"]
    assert rows["inquiries", "missing"] == {
        "feature": "inquiries",
        "state": "missing",
        "rows": 0,
        "learned": False,
    }
    assert not rows["twice", "undefined"]["learned"]
    assert rows["housing", "own"]["learned"]
    assert "inquiries missing (0)" in manifest["warnings"][-1]
    assert "States of the features" in report
    assert '<th scope="row">housing</th><td>boat</td>' in report


def test_golden_rows_and_the_parity_gate_visit_every_state(bundle, model):
    manifest = json.loads(bundle.files["manifest.json"])
    visited = {name for row in manifest["golden"] for name in row["answer"].get("unlearned", ())}

    assert visited == {state.feature for state in model.contract.unlearned}
    assert manifest["parity"]["rows"]["state"] > 0
    for row in manifest["golden"]:
        found = answer(model, row["application"])
        assert found["decision"] == row["answer"]["decision"]
        assert found.get("unlearned") == row["answer"].get("unlearned")


def test_golden_rows_of_a_model_that_refuses_hold_the_refusal():
    golden = json.loads(made("refuse", with_rule("refuse")).files["manifest.json"])["golden"]

    assert any("error" in row["answer"] for row in golden)


def test_no_change_into_an_unlearned_state_is_proposed(model):
    declined = {**APPLICATION, "loan": 60_000, "housing": "rent", "inquiries": 2}

    found = what_if(model, {"application": declined, "target": "approve"})
    changed = what_if(model, {"application": APPLICATION, "changes": {"housing": "boat"}})

    moves = [move for proposal in found["proposals"] for move in proposal["changes"]]
    assert found["before"]["decision"] == "decline"
    assert moves
    assert all(move["to"] != "boat" for move in moves)
    assert (changed["before"]["decision"], changed["after"]["decision"]) == ("approve", "refer")


def test_a_what_if_that_is_refused_names_the_change():
    model = model_of(made("refuse", with_rule("refuse")))

    with pytest.raises(InvalidApplicationError) as error:
        what_if(model, {"application": APPLICATION, "changes": {"housing": "boat"}})

    assert [field.field for field in error.value.fields] == ["changes.housing"]


def test_a_declared_value_is_learned(tmp_path):
    declared = made(
        "declared",
        DEFINITION.replace(
            'expression = "loan / (12 * income)"',
            'expression = "loan / (12 * income)"\nundefined = 50',
        ),
    )

    found = answer(model_of(declared), {**APPLICATION, "income": 0})

    assert "unlearned" not in found


def test_a_model_without_unlearned_states_has_no_output_for_them():
    bundle = made(
        "learned",
        DEFINITION.replace("nullable = true\n", "")
        .replace("special_codes = { no_record = -99 }\n", "")
        .replace(', "boat"]', "]")
        .replace('\n[[features]]\nname = "employed"\ntype = "boolean"\n', "")
        .replace("minimum = 0", "minimum = 1", 1),
    )
    session = open_session(bundle.files["model.onnx"])

    assert "unlearned" not in [output.name for output in session.get_outputs()]
    assert model_of(bundle).contract.unlearned == ()


def test_a_contract_of_an_earlier_release_has_no_unlearned_states(model):
    raw = json.loads(model.contract.to_json())
    del raw["unlearned"], raw["unlearned_rule"]

    earlier = Contract.from_json(json.dumps(raw))

    assert (earlier.unlearned, earlier.unlearned_rule) == ((), "refer")


def test_a_recommendation_names_the_states(tmp_path):
    model = ScoringModel.from_onnx(shop.bundle().files["model.onnx"])
    [found] = model.answer(
        [(a, model.encoder.encode(a)) for a in [{**shop.CUSTOMER, "segment": "top"}]]
    )

    assert found["unlearned"] == ["segment"]
    assert found["recommendations"]


def test_a_watch_counts_an_error_only_where_the_shadow_would_have_answered():
    champion, shadow = model_of(made("refuse", with_rule("refuse"))), model_of(made("refer"))
    refused = {**APPLICATION, "income": 0}

    def counted(one, other, application):
        found = {}
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        watch = ChampionWatch(
            Watch(1, until, VersionRef(other.version, "")),
            one,
            other,
            read_applicant=lambda m, body: Applicant(body, m.encoder.encode(body)),
            add=lambda _key, amounts: found.update(amounts),
        )
        with suppress(InvalidApplicationError):
            watch.observe(lambda: answer(one, application), application)
        return found

    assert counted(champion, shadow, refused) == {"errors": 1}
    assert counted(champion, champion, refused) == {}
    answered = counted(shadow, champion, refused)
    assert (answered["decisions"], answered.get("compared", 0)) == (1, 0)
    assert counted(shadow, champion, APPLICATION)["compared"] == 1


def test_a_recommendation_may_be_refused(tmp_path):
    text = shop.DEFINITION.replace("top = 2", 'top = 2\nunlearned = "refuse"')
    shop.customers(600).to_parquet(tmp_path / "data.parquet")
    found = train(shop.definition(tmp_path, text), str(tmp_path / "data.parquet"))
    model = model_of(found)

    with pytest.raises(InvalidApplicationError) as error:
        answer(model, {**shop.CUSTOMER, "segment": "top"})

    assert [field.field for field in error.value.fields] == ["segment"]
    assert any(
        "error" in row["answer"] for row in json.loads(found.files["manifest.json"])["golden"]
    )


def test_the_version_that_answers_its_golden_rows_is_verified():
    for bundle in (made("refer"), made("refuse", with_rule("refuse"))):
        manifest = json.loads(bundle.files["manifest.json"])
        registry = SimpleNamespace(
            manifest=lambda *_, found=manifest: found,
            read=lambda *_, found=bundle: found.files["model.onnx"],
        )

        assert verify(registry, "sample", bundle.version) == digest(bundle.files["model.onnx"])
