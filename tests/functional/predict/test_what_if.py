import json

import pytest
from jsonschema import Draft202012Validator

from functions.predict import routes as app
from scoreline.api.application_schema import application_schema
from scoreline.api.openapi import openapi_document
from scoreline.api.promoted_model import PromotedModel
from tests import described
from tests.sample import APPLICATION, applicants, bundle, publish

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:No application metrics to publish"),
]

ROUTE = "/models/{model}/what-if"
ACTIONABLE = {"income", "debt", "housing", "employed"}
POOR = {**APPLICATION, "id": "poor-1", "income": 900, "debt": 60_000, "employed": False}


@pytest.fixture(autouse=True)
def promoted(registry, endpoint):
    publish(registry, bundle())


@pytest.fixture
def handle(lambda_context):
    def send(event):
        response = app.lambda_handler(event, lambda_context)
        described.check(event, response)
        return response["statusCode"], json.loads(response["body"])

    return send


@pytest.fixture
def call(handle, rest_event):
    def send(body, resource=ROUTE, model="sample"):
        return handle(rest_event("POST", resource, {"model": model}, body))

    return send


@pytest.fixture
def score(call):
    def send(application):
        status, answer = call(application, "/models/{model}/predict")
        assert status == 200
        del answer["processing_time_ms"]
        return answer

    return send


def test_changes_answer_as_scoring_both_applications_would(handle, load_event, score):
    status, answer = handle(load_event("what-if-changes"))

    before = {**APPLICATION, "id": "application-17"}
    assert status == 200
    assert answer["before"] == score(before)
    assert answer["after"] == score({**before, "income": 3000, "region": None})
    assert answer["difference"]["score"] == answer["after"]["score"] - answer["before"]["score"]
    assert (answer["model"], answer["version"]) == ("sample", bundle().version)


def test_proposals_reach_the_target_when_they_are_scored(handle, load_event, score):
    status, answer = handle(load_event("what-if-target"))

    assert (status, answer["outcome"]) == (200, "found")
    application = json.loads(load_event("what-if-target")["body"])["application"]
    for proposal in answer["proposals"]:
        changes = {change["field"]: change["to"] for change in proposal["changes"]}
        assert changes.keys() <= ACTIONABLE
        assert proposal["after"] == score({**application, **changes})
        assert proposal["after"]["decision"] == "approve"
        assert all(c["from"] == application[c["field"]] for c in proposal["changes"])


def test_an_approved_application_has_reached_every_target(call):
    rich = {**APPLICATION, "income": 9000, "debt": 100, "enquiries": 0}

    for target in ("refer", "approve"):
        assert call({"application": rich, "target": target})[1]["outcome"] == "already reached"


def test_all_bad_fields_are_named_and_no_value(handle, load_event):
    status, answer = handle(load_event("what-if-bad-fields"))

    assert (status, answer["error"]["code"]) == (422, "invalid_application")
    assert {f["field"] for f in answer["error"]["fields"]} == {
        "bank",
        "application.debt",
        "changes",
        "changes.income",
        "changes.housing",
        "changes.shoe_size",
    }
    for value in ("12000", "4321.5", "castle", "44", "north-bank"):
        assert value not in json.dumps(answer)


@pytest.mark.parametrize(
    ("body", "status"),
    [("", 400), ("[]", 400), ("{}", 422), ({"application": APPLICATION}, 422)],
)
def test_a_bad_request_has_its_status(call, body, status):
    assert call(body)[0] == status


def test_an_unknown_model_is_404(call):
    assert call({"application": APPLICATION, "target": "approve"}, model="other")[0] == 404


def test_answers_are_what_the_openapi_document_says(call):
    schema = application_schema(app.champions().get("sample").model.contract)
    document = openapi_document({"sample": PromotedModel("sample", schema)})
    components = {"components": document["components"]}

    for body in (
        {"application": POOR, "changes": {"income": None}},
        {"application": POOR, "target": "refer"},
        {"application": {**POOR, "income": None, "debt": 1e7}, "target": "approve"},
        {"application": {**APPLICATION, "debt": 1}, "target": "refer"},
    ):
        status, answer = call(body)
        assert status == 200
        for path in (ROUTE, "/models/sample/what-if"):
            operation = document["paths"][path]["post"]
            taken = operation["requestBody"]["content"]["application/json"]["schema"]
            given = operation["responses"]["200"]["content"]["application/json"]["schema"]
            Draft202012Validator({**taken, **components}).validate(body)
            Draft202012Validator({**given, **components}).validate(answer)


def test_nothing_personal_reaches_the_log(call, capfd):
    call({"application": {**POOR, "id": "jane-doe", "debt": 54321.5}, "target": "approve"})
    call({"application": {**POOR, "debt": 54321.5}, "changes": {"debt": "54321.5"}})

    written = "".join(capfd.readouterr())
    assert "jane-doe" not in written
    assert "54321.5" not in written


def test_the_proposals_of_many_applicants_of_a_boosted_model(registry, call, score):
    publish(registry, bundle("xgboost"))
    app.champions().forget_pointers()
    frame = applicants(60, seed=7).drop(columns=["applicant", "sex", "outcome"])
    rows = json.loads(frame.to_json(orient="records"))
    outcomes = set()

    for application in rows:
        _, answer = call({"application": application, "target": "approve"})
        outcomes.add(answer["outcome"])
        for proposal in answer["proposals"]:
            changes = {change["field"]: change["to"] for change in proposal["changes"]}
            assert changes.keys() <= ACTIONABLE
            assert score({**application, **changes})["decision"] == "approve"
            assert not {c["from"] for c in proposal["changes"]} & {None, -99, -98}

    assert {"found", "already reached"} <= outcomes
