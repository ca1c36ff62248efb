import json
import re
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import boto3
import jsonschema
import pytest

from functions.predict import routes as app
from scoreline.api.http import MAX_PAYLOAD_BYTES
from tests.sample import APPLICATION, bundle

pytestmark = [
    pytest.mark.filterwarnings("ignore:No application metrics to publish"),
    pytest.mark.usefixtures("promoted"),
]


def test_the_default_model_answers_with_all_that_the_contract_says(handle):
    status, answer = handle("predict")

    assert status == 200
    assert set(answer) == {
        "id",
        "model",
        "version",
        "probability_of_default",
        "probabilities",
        "score",
        "risk_score",
        "risk_level",
        "decision",
        "reasons",
        "processing_time_ms",
    }
    assert (answer["id"], answer["model"], answer["version"]) == (
        "application-17",
        "sample",
        bundle().version,
    )
    assert answer["risk_score"] == pytest.approx(100 * answer["probability_of_default"], abs=0.01)
    assert answer["probabilities"]["high_risk"] == answer["probability_of_default"]
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert all(set(r) == {"code", "feature", "points", "text", "kind"} for r in answer["reasons"])


def without_time(answer):
    """The answer without its processing time."""
    assert answer["processing_time_ms"] > 0
    return {key: value for key, value in answer.items() if key != "processing_time_ms"}


@pytest.mark.parametrize("name", ["predict-model", "predict-bank", "direct-predict"])
def test_path_bank_and_direct_invocation_give_the_same_answer(handle, name):
    _, expected = handle("predict")

    _, answer = handle(name)

    assert without_time(answer) == without_time(expected)


@pytest.mark.parametrize("name", ["predict", "predict-batch", "direct-predict"])
def test_the_processing_time_covers_the_loading_of_the_model(handle, name):
    started = time.perf_counter()
    _, first = handle(name)
    elapsed_ms = 1000 * (time.perf_counter() - started)
    later = [handle(name)[1]["processing_time_ms"] for _ in range(5)]

    assert min(later) < first["processing_time_ms"] < elapsed_ms


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


def assert_no_value(answer, values):
    """None of the values stands in the answer as a word, whatever its type."""
    text = json.dumps(answer)
    for value in values:
        shown = re.escape(json.dumps(value).strip('"'))
        assert not re.search(rf"(?<!\w){shown}(?!\w)", text), value


def test_all_bad_fields_at_once_and_no_value(handle, load_event):
    status, answer = handle("predict-bad-fields")

    assert status == 422
    assert {f["field"] for f in answer["error"]["fields"]} == {"income", "debt", "housing", "sex"}
    assert_no_value(answer, json.loads(load_event("predict-bad-fields")["body"]).values())


BAD_VALUES = {
    "id": "x" * 129,
    "income": 1234567.5,
    "debt": -98765,
    "enquiries": 3.25,
    "region": 4711,
    "housing": "Elm Street 41",
    "employed": "probably",
    "shoe_size": 44,
}


@pytest.mark.parametrize("resource", ["/predict", "/predict/batch"])
def test_no_value_of_any_kind_is_repeated(call, resource):
    body = {"applications": [BAD_VALUES]} if resource.endswith("batch") else BAD_VALUES

    _, answer = call("POST", resource, body)

    if resource.endswith("batch"):
        [answer] = answer["results"]
    assert {f["field"] for f in answer["error"]["fields"]} == set(BAD_VALUES)
    assert_no_value(answer, BAD_VALUES.values())


def test_unknown_model_and_route_are_404(call):
    assert call("POST", "/models/{model}/predict", APPLICATION, model="other")[0] == 404
    assert call("POST", "/nowhere", APPLICATION)[0] == 404


def test_schema_describes_what_is_accepted(handle):
    status, schema = handle("schema")

    assert status == 200
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(APPLICATION, schema)
    assert schema["properties"]["income"]["description"] == "EUR per month"


def test_health_says_whether_the_default_model_answers_and_nothing_else(handle, settings):
    status, answer = handle("health")

    assert datetime.now(UTC) - datetime.fromisoformat(answer.pop("timestamp")) < timedelta(hours=1)
    assert (status, answer) == (200, {"status": "ok", "model_loaded": True})


def test_health_is_503_when_nothing_serves(handle, settings):
    boto3.client("ssm").delete_parameter(Name=settings.pointer_parameter("sample"))

    status, answer = handle("health")

    assert answer.keys() == {"status", "model_loaded", "timestamp"}
    assert (status, answer["status"], answer["model_loaded"]) == (503, "unavailable", False)
    assert handle("status") == (
        200,
        {"status": "unavailable", "problem": "sample: nothing is promoted", "models": []},
    )


def test_status_is_ok_then_degraded_then_ok(handle, registry, settings):
    pointer = registry.pointer("sample")
    loaded = {"model": "sample", **asdict(pointer.champion), "problem": None}
    assert handle("status") == (200, {"status": "ok", "problem": None, "models": [loaded]})
    ssm = boto3.client("ssm")
    name = settings.pointer_parameter("sample")
    good = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    ssm.put_parameter(Name=name, Value="invalid", Overwrite=True)
    app.champions().forget_pointers()

    status, answer = handle("status")

    assert (status, answer["status"]) == (200, "degraded")
    assert answer["models"][0]["problem"] == "the pointer parameter is not a pointer"
    assert handle("health")[1]["status"] == "ok"
    assert handle("predict")[0] == 200
    ssm.put_parameter(Name=name, Value=good, Overwrite=True)
    app.champions().forget_pointers()
    assert handle("status")[1]["status"] == "ok"


@pytest.mark.parametrize("text", ["nonsense", '{"default": 7, "banks": {}}'])
def test_status_is_degraded_while_the_routing_is_invalid(handle, registry, settings, text):
    handle("status")
    good = registry.routing()
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name=settings.routing_parameter, Value=text, Overwrite=True)
    app.champions().forget_pointers()

    status, answer = handle("status")

    assert (status, answer["status"]) == (200, "degraded")
    assert answer["problem"] == "the routing parameter is not a routing"
    assert handle("predict-bank")[0] == 200
    registry.write_routing(good)
    app.champions().forget_pointers()
    assert handle("status")[1]["status"] == "ok"


def test_degraded_serving_is_logged_and_counted_once(handle, settings, log, capsys):
    handle("predict")
    ssm = boto3.client("ssm")
    for name in (settings.pointer_parameter("sample"), settings.routing_parameter):
        ssm.put_parameter(Name=name, Value="invalid", Overwrite=True)
    app.champions().forget_pointers()
    capsys.readouterr()

    assert handle("predict")[0] == handle("predict")[0] == 200

    lines = [line for line in log() if line["message"] == "serving is degraded"]
    [first, *_] = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [(line["level"], line.get("model")) for line in lines] == [
        ("WARNING", None),
        ("WARNING", "sample"),
    ]
    assert (first["StaleChampion"], first["StaleRouting"], first["Predictions"]) == ([1], [1], [1])


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ({}, ["application"]),
        ({"model": "sample"}, ["application"]),
        ({"model": None, "application": APPLICATION}, ["model"]),
        ({"model": 7, "application": APPLICATION}, ["model"]),
        ({"model": ["sample"], "applications": [APPLICATION]}, ["model"]),
        ({"modle": "sample", "application": APPLICATION}, ["modle"]),
        ({"model": "sample", "application": APPLICATION, "x" * 99: 1}, ["(unnamed)"]),
        ({"model": "sample", "bank": "north-bank", "application": APPLICATION}, ["bank"]),
        ({"bank": 7, "application": APPLICATION}, ["bank"]),
        ({"application": APPLICATION, "applications": [APPLICATION]}, ["application"]),
        ({"application": "all"}, ["application"]),
        ({"verify": "all"}, ["verify"]),
        ({"verify": {}, "model": "sample"}, ["verify.model", "verify.version", "model"]),
        ({"verify": {"model": "sample"}}, ["verify.version"]),
        (
            {"verify": {"model": 7, "version": 7, "x": 1}},
            ["verify.model", "verify.version", "verify.x"],
        ),
    ],
)
def test_a_direct_invocation_of_another_form_is_refused(lambda_context, event, fields):
    error = app.lambda_handler(event, lambda_context)["error"]

    assert error["code"] in ("invalid_application", "invalid_request")
    assert [f["field"] for f in error["fields"]] == fields


def test_a_direct_invocation_may_name_a_bank_or_nothing(lambda_context):
    for event in ({"application": APPLICATION}, {"bank": "north-bank", "application": APPLICATION}):
        assert app.lambda_handler(event, lambda_context)["model"] == "sample"


def test_direct_invocation_names_what_is_wrong(lambda_context):
    for event, code in (
        ({"model": "sample"}, "invalid_application"),
        ({"model": "sample", "application": 1}, "invalid_application"),
        ({"model": "sample", "application": {**APPLICATION, "debt": "1"}}, "invalid_application"),
        ({"model": "other", "application": APPLICATION}, "model_not_found"),
    ):
        assert app.lambda_handler(event, lambda_context)["error"]["code"] == code


def test_nothing_personal_reaches_the_log(call, capfd, log):
    call("POST", "/predict", {**APPLICATION, "id": "jane-doe", "income": 4321.5})
    call("POST", "/predict", {**APPLICATION, "id": "jane-doe", "debt": "4321.5"})

    written = "".join(capfd.readouterr()) + json.dumps(log())
    assert "jane-doe" not in written
    assert "4321.5" not in written


def test_predict_loads_nothing_but_the_standard_library_and_powertools():
    code = "import functions.predict.routes, sys; print(*sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    loaded = {module.split(".")[0] for module in out.split()}
    ours = {
        "functions",
        "scoreline",
        "__main__",
        *(name for name in loaded if name.startswith("__editable__")),
    }
    of_venv = {"_distutils_hack", "sitecustomize", "usercustomize", "distutils-precedence"}
    # Powertools looks whether botocore is there; its __init__ imports nothing else
    powertools = {"aws_lambda_powertools", "jmespath", "typing_extensions", "botocore"}
    assert loaded - sys.stdlib_module_names - ours - of_venv <= powertools


def test_an_unknown_bank_is_404_and_only_operations_see_the_known_ones(call, log):
    status, body = call("POST", "/predict", {**APPLICATION, "bank": "secret-bank"})

    assert status == 404
    assert "north-bank" not in json.dumps(body)
    [line] = [line for line in log() if line.get("known_banks")]
    assert line["known_banks"] == ["north-bank"]
    assert "secret-bank" not in json.dumps(log())


def test_a_name_that_is_too_long_is_no_model(call):
    status, answer = call("POST", "/models/{model}/predict", {}, model="x" * 65)

    assert (status, answer["error"]["message"]) == (404, "no such model")
