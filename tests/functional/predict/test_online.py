import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from functions.predict import routes as app
from scoreline.api.openapi import openapi_document
from scoreline.api.promoted_model import PromotedModel
from scoreline.core.versions import MANIFEST_FILE
from scoreline.serving.verification import verify
from tests import described
from tests.sample import APPLICATION, bundle, publish

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

SENT = {k: v for k, v in APPLICATION.items() if k not in ("enquiries", "region")}
KNOWN = {"enquiries": 2, "region": "north"}
PATH = "/models/{model}/predict"


@pytest.fixture(autouse=True)
def promoted(registry, endpoint):
    return publish(registry, bundle(history=True))


@pytest.fixture
def keep(settings):
    """Puts a customer's features into the online table."""

    def put(customer="100002", features=KNOWN, as_of=None, pipeline="sample"):
        at = as_of or (datetime.now(UTC) - timedelta(days=3)).isoformat()
        item = {"customer": {"S": customer}, "pipeline": {"S": pipeline}, "as_of": {"S": at}}
        boto3.client("dynamodb").put_item(
            TableName=settings.features_table,
            Item={**item, "features": {"S": json.dumps(features)}},
        )

    return put


@pytest.fixture
def call(rest_event, lambda_context):
    def send(body, resource=PATH):
        event = rest_event("POST", resource, {"model": "sample"}, body)
        response = app.lambda_handler(event, lambda_context)
        described.check(event, response)
        return response["statusCode"], json.loads(response["body"])

    return send


def test_the_history_of_a_customer_is_looked_up_and_scored(call, keep, registry):
    keep()

    _, answer = call({"customer_id": "100002", "application": SENT})

    publish(registry, bundle())  # the same rows, everything sent
    app.champions().forget_pointers()
    _, sent = call(APPLICATION)
    assert answer["probability_of_default"] == sent["probability_of_default"]
    assert answer["features"]["found"] == ["enquiries", "region"]
    assert answer["features"]["customer_id"] == "100002"
    assert answer["features"]["age_days"] == 3.0


@pytest.mark.parametrize("body", [{}, {"customer_id": None}, {"customer_id": "nobody"}])
def test_without_history_the_application_alone_is_scored(call, keep, body):
    keep()

    status, answer = call({**body, "application": SENT})
    _, known = call({"customer_id": 100002, "application": SENT})

    assert status == 200
    assert answer["features"] == {
        "customer_id": body.get("customer_id"),
        "found": [],
        "as_of": None,
        "age_days": None,
    }
    assert answer["probability_of_default"] != known["probability_of_default"]


def test_a_feature_that_a_customer_lacks_is_not_found(call, keep):
    keep(features={"region": "west", "of_another_model": 1.5})

    _, answer = call({"customer_id": "100002", "application": SENT})

    assert answer["features"]["found"] == ["region"]


def test_the_features_of_another_pipeline_are_not_this_models(call, keep):
    keep(pipeline="another")

    _, answer = call({"customer_id": "100002", "application": SENT})

    assert answer["features"]["found"] == []


def test_history_cannot_be_sent_and_every_broken_rule_is_named(call):
    application = {**SENT, "region": "north", "debt": -1}

    status, answer = call({"customer_id": True, "shoe_size": 44, "application": application})

    rules = {f["field"]: f["rule"] for f in answer["error"]["fields"]}
    assert status == 422
    assert set(rules) == {"customer_id", "shoe_size", "application.region", "application.debt"}
    assert rules["application.region"] == "is looked up by customer_id and cannot be sent"


def test_a_flat_application_is_refused_with_the_place_where_it_belongs(call):
    status, answer = call(SENT)

    assert status == 422
    assert {"field": "application", "rule": "is required"} in answer["error"]["fields"]


def test_a_table_that_fails_is_an_error_and_no_score_without_history(call, settings):
    boto3.client("dynamodb").delete_table(TableName=settings.features_table)

    status, answer = call({"customer_id": "100002", "application": SENT})
    new_customer, _ = call({"application": SENT})

    assert status == 503
    assert answer["error"]["code"] == "features_unavailable"
    assert new_customer == 200


@pytest.mark.parametrize(
    ("features", "as_of"),
    [({"enquiries": 51}, None), ({"region": 1}, None), ([2, "north"], None), (KNOWN, "yesterday")],
    ids=["out of range", "wrong type", "no object", "no time"],
)
def test_features_that_break_the_contract_are_an_error(call, keep, features, as_of):
    keep(features=features, as_of=as_of)

    status, answer = call({"customer_id": "100002", "application": SENT})

    assert status == 503
    assert answer["error"]["code"] == "features_invalid"


def test_a_damaged_record_is_the_error_of_its_customer_alone(call, keep):
    keep(features=[2, "north"])
    items = [
        {"customer_id": "100002", "application": {**SENT, "id": "a"}},
        {"application": {**SENT, "id": "b"}},
    ]

    status, answer = call({"applications": items}, "/predict/batch")

    damaged, good = answer["results"]
    assert status == 200
    assert (damaged["id"], damaged["error"]["code"]) == ("a", "features_invalid")
    assert good["id"] == "b"
    assert "error" not in good


def test_a_batch_looks_every_customer_up(call, keep):
    keep()
    items = [
        {"customer_id": "100002", "application": {**SENT, "id": "a"}},
        {"application": {**SENT, "id": "b"}},
        {"customer_id": "100002", "application": {"id": "c"}},
    ]

    _, answer = call({"applications": items}, PATH + "/batch")

    known, unknown, refused = answer["results"]
    assert [len(r["features"]["found"]) for r in (known, unknown)] == [2, 0]
    assert [r["id"] for r in answer["results"]] == ["a", "b", "c"]
    assert "application.debt" in [f["field"] for f in refused["error"]["fields"]]


def test_bank_and_direct_invocation_look_customers_up_too(call, keep, lambda_context):
    keep()
    body = {"customer_id": "100002", "application": {**SENT, "id": "a"}}

    _, routed = call({"bank": "north-bank", **body}, "/predict")
    direct = app.lambda_handler({"model": "sample", **body}, lambda_context)

    assert routed["features"]["found"] == direct["features"]["found"] == ["enquiries", "region"]
    assert routed["score"] == direct["score"]


def test_a_model_without_history_takes_no_customer(registry, lambda_context):
    publish(registry, bundle())
    event = {"model": "sample", "customer_id": "100002", "application": APPLICATION}

    answer = app.lambda_handler(event, lambda_context)

    [broken] = answer["error"]["fields"]
    assert broken == {"field": "customer_id", "rule": "is not a field of this request"}


def test_a_what_if_keeps_the_history(call, keep):
    keep()
    body = {"customer_id": "100002", "application": {**SENT, "id": "a"}}

    _, scored = call(body)
    _, answer = call({**body, "changes": {"debt": 100}}, "/models/{model}/what-if")
    status, refused = call(
        {**body, "customer_id": "", "changes": {"region": "west"}}, "/models/{model}/what-if"
    )

    assert answer["before"]["score"] == scored["score"]
    assert answer["features"]["found"] == ["enquiries", "region"]
    assert status == 422
    assert [f["field"] for f in refused["error"]["fields"]] == ["customer_id", "changes.region"]


@pytest.mark.slow
def test_schema_and_openapi_say_what_is_sent(rest_event, lambda_context, call, keep):
    keep()
    event = rest_event("GET", "/models/{model}/schema", {"model": "sample"})
    schema = json.loads(app.lambda_handler(event, lambda_context)["body"])
    document = openapi_document({"sample": PromotedModel("sample", schema)}, "sample")
    body = {"customer_id": 100002, "application": SENT}

    OpenAPIV31SpecValidator(document).validate()
    for path, sent in [
        ("/models/sample/predict", body),
        ("/models/sample/what-if", {**body, "changes": {"debt": 1}}),
    ]:
        operation = document["paths"][path]["post"]
        _, answer = call(sent, path.replace("sample", "{model}"))
        for content, value in [
            (operation["requestBody"], sent),
            (operation["responses"]["200"], answer),
        ]:
            [held] = content["content"].values()
            Draft202012Validator({**held["schema"], **document}).validate(value)

    assert set(schema["properties"]["application"]["properties"]) == {"id", *SENT}


def test_golden_rows_carry_their_history(registry, promoted):
    manifest = json.loads(bundle(history=True).files[MANIFEST_FILE])

    assert set(manifest["golden"][0]["history"]) == {"enquiries", "region"}
    assert verify(registry, "sample", promoted.champion.version) == promoted.champion.sha256
