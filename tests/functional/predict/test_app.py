import json
import subprocess
import sys

import boto3
import jsonschema
import pytest

from functions.predict import app
from functions.shared.http import MAX_PAYLOAD_BYTES
from tests.sample import APPLICATION, bundle, publish

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@pytest.fixture(autouse=True)
def promoted(registry):
    publish(registry, bundle())


@pytest.fixture
def call(rest_event, lambda_context):
    def send(method, resource, body=None, **path):
        event = rest_event(method, resource, path or None, body)
        response = app.lambda_handler(event, lambda_context)
        return response["statusCode"], json.loads(response["body"])

    return send


@pytest.fixture
def handle(load_event, lambda_context):
    def send(name):
        response = app.lambda_handler(load_event(name), lambda_context)
        if "statusCode" not in response:
            return None, response
        return response["statusCode"], json.loads(response["body"])

    return send


def test_the_default_model_answers_with_all_that_the_contract_says(handle):
    status, answer = handle("predict")

    assert status == 200
    assert set(answer) == {
        "id",
        "model",
        "version",
        "probability_of_default",
        "score",
        "risk_score",
        "risk_level",
        "decision",
        "reasons",
    }
    assert (answer["id"], answer["model"], answer["version"]) == (
        "application-17",
        "sample",
        bundle().version,
    )
    assert answer["risk_score"] == pytest.approx(100 * answer["probability_of_default"], abs=0.01)
    assert all(set(r) == {"code", "feature", "points", "text"} for r in answer["reasons"])


@pytest.mark.parametrize("name", ["predict-model", "predict-bank", "direct-predict"])
def test_path_bank_and_direct_invocation_give_the_same_answer(handle, name):
    _, expected = handle("predict")

    _, answer = handle(name)

    assert answer == expected


@pytest.mark.parametrize("name", ["predict-batch", "predict-model-batch", "direct-predict-batch"])
def test_a_batch_answers_item_by_item_in_order(handle, name):
    _, single = handle("predict")

    _, answer = handle(name)

    good, bad, other = answer["results"]
    assert good == single
    assert bad["id"] == "application-18"
    assert [f["field"] for f in bad["error"]["fields"]] == ["debt", "shoe_size"]
    assert other["id"] == "application-19"
    assert (answer["model"], answer["version"]) == ("sample", bundle().version)


def test_an_application_without_id_gets_one(call):
    ids = {call("POST", "/predict", APPLICATION)[1]["id"] for _ in range(3)}

    assert len(ids) == 3


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("", 400, "malformed_request"),
        ("{", 400, "malformed_request"),
        ("[1]", 400, "malformed_request"),
        ('{"debt": 1, "debt": 2}', 400, "malformed_request"),
        ("[" * 100_000, 400, "malformed_request"),
        ("{}", 422, "invalid_application"),
        ({**APPLICATION, "bank": 7}, 422, "invalid_application"),
        ({**APPLICATION, "bank": "south-bank"}, 404, "model_not_found"),
        ("x" * (MAX_PAYLOAD_BYTES + 1), 413, "payload_too_large"),
        ("é" * (MAX_PAYLOAD_BYTES // 2 + 1), 413, "payload_too_large"),
    ],
)
def test_a_bad_request_has_its_status(call, body, status, code):
    answered, answer = call("POST", "/predict", body)

    assert (answered, answer["error"]["code"]) == (status, code)


def test_nan_and_infinity_are_named_by_field(call):
    body = json.dumps({**APPLICATION, "debt": float("nan"), "income": float("inf")})

    status, answer = call("POST", "/predict", body)

    assert status == 422
    assert answer["error"]["fields"] == [
        {"field": "income", "rule": "must be finite"},
        {"field": "debt", "rule": "must be finite"},
    ]


@pytest.mark.parametrize("name", ["predict-bad-fields"])
def test_all_bad_fields_at_once_and_no_value(handle, name):
    status, answer = handle(name)

    assert status == 422
    assert {f["field"] for f in answer["error"]["fields"]} == {"income", "debt", "housing", "sex"}
    assert "castle" not in json.dumps(answer)


@pytest.mark.parametrize(
    "body", [{}, {"applications": []}, {"applications": {}}, {"applications": [{}], "x": 1}]
)
def test_a_batch_of_another_form_is_refused(call, body):
    status, answer = call("POST", "/predict/batch", body)

    assert status == 422
    assert answer["error"]["fields"]


def test_a_batch_may_hold_only_bad_items(call):
    status, answer = call("POST", "/predict/batch", {"applications": [1, {}, "x"]})

    assert status == 200
    assert all("error" in result for result in answer["results"])


def test_unknown_model_and_route_are_404(call):
    assert call("POST", "/models/{model}/predict", APPLICATION, model="other")[0] == 404
    assert call("POST", "/nowhere", APPLICATION)[0] == 404


def test_schema_describes_what_is_accepted(handle):
    status, schema = handle("schema")

    assert status == 200
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(APPLICATION, schema)
    assert schema["properties"]["income"]["description"] == "EUR per month"


def test_health_is_ok_then_degraded_then_ok(handle, registry, settings):
    assert handle("health") == (
        200,
        {
            "status": "ok",
            "models": [{"model": "sample", "version": bundle().version, "problem": None}],
        },
    )
    ssm = boto3.client("ssm")
    name = settings.pointer_parameter("sample")
    good = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    ssm.put_parameter(Name=name, Value="spoilt", Overwrite=True)
    app.champions().forget_pointers()

    status, answer = handle("health")

    assert (status, answer["status"]) == (200, "degraded")
    assert handle("predict")[0] == 200
    ssm.put_parameter(Name=name, Value=good, Overwrite=True)
    app.champions().forget_pointers()
    assert handle("health")[1]["status"] == "ok"


def test_health_is_503_when_nothing_serves(handle, settings):
    boto3.client("ssm").delete_parameter(Name=settings.pointer_parameter("sample"))

    status, answer = handle("health")

    assert (status, answer["status"]) == (503, "unavailable")


def test_verify_says_whether_a_version_may_be_promoted(lambda_context, registry, settings):
    version = bundle().version

    def verify(version):
        event = {"verify": {"model": "sample", "version": version}}
        return app.lambda_handler(event, lambda_context)

    assert verify(version)["verified"] is True
    assert verify("20260101T000000Z-00000000")["error"]["code"] == "version_not_found"
    assert verify("../..")["error"]["code"] == "version_not_found"


def test_a_version_with_another_golden_answer_is_refused(lambda_context, registry):
    made = bundle(seed=3)
    manifest = json.loads(made.files["manifest.json"])
    manifest["golden"][0]["answer"]["score"] += 1
    files = {**made.files, "manifest.json": json.dumps(manifest).encode()}
    registry.publish("sample", made.version, files)

    event = {"verify": {"model": "sample", "version": made.version}}

    assert app.lambda_handler(event, lambda_context)["error"]["code"] == "version_refused"


def test_direct_invocation_names_what_is_wrong(lambda_context):
    for event, code in (
        ({"model": "sample"}, "invalid_application"),
        ({"model": "sample", "application": 1}, "invalid_application"),
        ({"model": "sample", "application": {**APPLICATION, "debt": "1"}}, "invalid_application"),
        ({"model": "other", "application": APPLICATION}, "model_not_found"),
    ):
        assert app.lambda_handler(event, lambda_context)["error"]["code"] == code


def test_nothing_personal_reaches_the_log(call, capfd):
    call("POST", "/predict", {**APPLICATION, "id": "jane-doe", "income": 4321.5})
    call("POST", "/predict", {**APPLICATION, "id": "jane-doe", "debt": "4321.5"})

    written = "".join(capfd.readouterr())
    assert "jane-doe" not in written
    assert "4321.5" not in written


def test_predict_loads_no_training_library():
    code = "import functions.predict.app, sys; print(*sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    heavy = {"sklearn", "scipy", "xgboost", "lightgbm", "pandas", "onnx", "pyarrow", "training"}
    assert not heavy & {module.split(".")[0] for module in out.split()}
