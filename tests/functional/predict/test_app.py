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
from scoreline.api.http import MAX_PAYLOAD_BYTES, Request, Response
from scoreline.core.errors import PayloadTooLargeError
from scoreline.core.versions import bundle_key
from scoreline.scoring import batch_answers
from tests import described
from tests.sample import APPLICATION, bundle, publish

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@pytest.fixture(autouse=True)
def promoted(registry, endpoint):
    publish(registry, bundle())


@pytest.fixture
def call(rest_event, lambda_context):
    def send(method, resource, body=None, **path):
        event = rest_event(method, resource, path or None, body)
        response = app.lambda_handler(event, lambda_context)
        described.check(event, response)
        return response["statusCode"], json.loads(response["body"])

    return send


@pytest.fixture
def handle(load_event, lambda_context):
    def send(name):
        event = load_event(name)
        response = app.lambda_handler(event, lambda_context)
        if "statusCode" not in response:
            return None, response
        described.check(event, response)
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


@pytest.mark.parametrize("name", ["predict-batch", "predict-model-batch", "direct-predict-batch"])
def test_a_batch_answers_item_by_item_in_order(handle, name):
    _, single = handle("predict")

    _, answer = handle(name)

    good, bad, other = answer["results"]
    assert good == without_time(single)
    assert bad["id"] == "application-18"
    assert [f["field"] for f in bad["error"]["fields"]] == ["debt", "shoe_size"]
    assert other["id"] == "application-19"
    assert (answer["model"], answer["version"]) == ("sample", bundle().version)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, []),
        ("de", ["de"]),
        ("de-AT, en;q=0.5, fr;q=0.8", ["de", "fr", "en"]),
        ("en;q=x, *;q=0.1", ["*"]),
        ("de; q=0.9, en; q=0.5", ["de", "en"]),
        ("en;q=0.1, de; Q=0.9", ["de", "en"]),
        ("de;q=0, en", ["en"]),
        ("de_DE", ["de"]),
        ("en;q=nan, fr;q=inf, de;q=0.123", ["de"]),
        (",;, ;q=1", []),
    ],
)
def test_the_wanted_languages_come_from_accept_language(header, wanted):
    request = Request({}, "", "", {} if header is None else {"accept-language": header})

    assert request.languages == wanted


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


@pytest.mark.parametrize("identifier", ["x" * 129, "", 7, None, ["a"], {"a": 1}])
def test_an_id_that_breaks_the_rule_is_not_repeated_in_a_batch(call, identifier):
    _, answer = call(
        "POST", "/predict/batch", {"applications": [{**APPLICATION, "id": identifier}]}
    )

    [result] = answer["results"]
    assert [f["field"] for f in result["error"]["fields"]] == ["id"]
    assert "id" not in result


def test_an_id_that_keeps_the_rule_is_repeated_beside_the_error(call):
    longest = "x" * 128

    _, answer = call("POST", "/predict/batch", {"applications": [{"id": longest}]})

    assert answer["results"][0]["id"] == longest


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


def spoil(manifest, part, value):
    """The manifest with another value in the place `part`, which may lie deeper."""
    *path, last = part
    for key in path:
        manifest = manifest[key]
    manifest[last] = value


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (["files"], {}),
        (["files"], None),
        (["files"], {"model.onnx": None}),
        (["golden"], None),
        (["golden"], 7),
        (["golden"], []),
        (["golden", 0], "row"),
        (["golden", 0], {}),
        (["golden", 0, "application"], 7),
        (["golden", 0, "application"], {}),
        (["golden", 0, "answer"], {}),
        (["golden", 0, "answer", "probability_of_default"], "high"),
    ],
    ids=str,
)
def test_a_version_with_a_malformed_manifest_is_refused(lambda_context, settings, log, part, value):
    made = bundle()
    manifest = json.loads(made.files["manifest.json"])
    spoil(manifest, part, value)
    overwrite_manifest(settings, json.dumps(manifest))
    event = {"verify": {"model": "sample", "version": made.version}}

    assert app.lambda_handler(event, lambda_context)["error"]["code"] == "version_refused"
    assert not [line for line in log() if line["level"] == "ERROR"]


def test_a_version_with_an_empty_manifest_is_refused(lambda_context, settings):
    overwrite_manifest(settings, "{}")
    event = {"verify": {"model": "sample", "version": bundle().version}}

    assert app.lambda_handler(event, lambda_context)["error"]["code"] == "version_refused"


def overwrite_manifest(settings, text):
    key = bundle_key("sample", bundle().version, "manifest.json")
    boto3.client("s3").put_object(Bucket=settings.bucket, Key=key, Body=text.encode())


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


def test_a_batch_has_at_most_a_thousand_applications(call):
    status, answer = call("POST", "/predict/batch", {"applications": [None] * 1_001})

    assert (status, answer["error"]["code"]) == (413, "payload_too_large")
    assert answer["error"]["message"].startswith("a batch has at most 1000 applications; ")


def test_errors_of_a_batch_stay_small(call):
    refused = {f"unknown_field_{number}": 1 for number in range(100)}

    status, answer = call("POST", "/predict/batch", {"applications": [refused] * 1000})

    named = [len(item["error"]["fields"]) for item in answer["results"]]
    assert status == 200
    assert named == [21] * 100 + [1] * 900  # the last one says that there are more
    assert len(json.dumps(answer)) < 500_000


def test_answers_that_would_be_too_large_are_not_made(call, monkeypatch):
    size = len(json.dumps(call("POST", "/predict", APPLICATION)[1]))
    monkeypatch.setattr(batch_answers, "MAX_ANSWERS_BYTES", 50 * size)

    fits, _ = call("POST", "/predict/batch", {"applications": [APPLICATION] * 40})
    status, answer = call("POST", "/predict/batch", {"applications": [APPLICATION] * 60})

    assert fits == 200
    assert (status, answer["error"]["code"]) == (413, "payload_too_large")


def test_an_answer_that_lambda_would_not_send_is_an_error():
    with pytest.raises(PayloadTooLargeError, match=f"the answer is over {MAX_PAYLOAD_BYTES} bytes"):
        Response("x" * MAX_PAYLOAD_BYTES).to_proxy()


def test_a_name_that_is_too_long_is_no_model(call):
    status, answer = call("POST", "/models/{model}/predict", {}, model="x" * 65)

    assert (status, answer["error"]["message"]) == (404, "no such model")


@pytest.mark.parametrize("body", ["é", "A", "/w==", "e30=\ud800"])
def test_a_body_that_is_not_text_in_base64_is_malformed(rest_event, lambda_context, body):
    event = {**rest_event("POST", "/predict", None, body), "isBase64Encoded": True}

    response = app.lambda_handler(event, lambda_context)

    assert response["statusCode"] == 400
    assert json.loads(response["body"])["error"]["message"] == "the body is not UTF-8 text"


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("\ufeff{}", ": it starts with a byte order mark"),
        ('{"debt": 1, "debt": 2}', ": a key is given twice"),
        ("a=1&b=2", ": it is form data"),
        ("[" * 20_000, ": it is nested too deep"),
        ("H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA==", ": it is compressed"),
        ('{"debt" 1}', " from line 1, column 9 on"),
        ('{"debt": ' + "9" * 5_000 + "}", ": a number is too long"),
    ],
)
def test_a_body_that_is_not_json_says_why(call, body, cause):
    status, answer = call("POST", "/predict", body)

    assert status == 400
    assert answer["error"]["message"] == f"the body is not valid JSON{cause}"


def test_a_query_parameter_is_refused_by_name(rest_event, lambda_context):
    event = rest_event("POST", "/predict", None, APPLICATION)
    event["queryStringParameters"] = {"bank": "north-bank", "a value": "1"}

    answer = app.lambda_handler(event, lambda_context)

    assert answer["statusCode"] == 422
    fields = json.loads(answer["body"])["error"]["fields"]
    assert [field["field"] for field in fields] == ["bank", "(unnamed)"]


@pytest.mark.parametrize("identifier", ["\ud800", "a\udfffb"])
def test_half_a_surrogate_pair_is_a_broken_rule(call, identifier):
    status, answer = call("POST", "/predict", {**APPLICATION, "id": identifier})
    _, batch = call("POST", "/predict/batch", {"applications": [{"id": identifier}]})

    assert status == 422
    assert [field["field"] for field in answer["error"]["fields"]] == ["id"]
    assert "id" not in batch["results"][0]
