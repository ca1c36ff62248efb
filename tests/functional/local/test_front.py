import base64
import getpass
import json

import pytest

from local.environment import ACCOUNT, SETTINGS
from scoreline.api.http import MAX_PAYLOAD_BYTES

INVOKE = f"/2015-03-31/functions/{SETTINGS.predict_function}/invocations"


def test_a_request_becomes_a_rest_proxy_event(front):
    event = front.post(
        "/models/german-credit/predict?a=1&a=2",
        content='{"x": 1}',
        headers=[("X-Twice", "1"), ("X-Twice", "2"), ("Content-Type", "application/json")],
    ).json()

    assert event["resource"] == "/models/{model}/predict"
    assert event["path"] == "/models/german-credit/predict"
    assert event["httpMethod"] == "POST"
    assert event["pathParameters"] == {"model": "german-credit"}
    assert event["queryStringParameters"] == {"a": "2"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert event["headers"]["X-Twice"] == "2"
    assert event["multiValueHeaders"]["X-Twice"] == ["1", "2"]
    assert event["headers"]["Content-Type"] == "application/json"
    assert (event["body"], event["isBase64Encoded"]) == ('{"x": 1}', False)


def test_the_request_context_says_who_where_and_when(front):
    context = front.post("/predict").json()["requestContext"]

    assert context["accountId"] == ACCOUNT
    assert context["stage"] == "local"
    assert context["resourcePath"] == "/predict"
    assert context["path"] == "/local/predict"
    assert context["identity"]["apiKeyId"] == "local"
    assert context["identity"]["userArn"] is None
    assert len(context["requestId"]) == 36
    assert context["requestTimeEpoch"] > 1_700_000_000_000


def test_a_signature_names_the_caller_and_without_one_it_is_the_systems_user(real_front, aws):
    def asked_by(**headers):
        body = {"model": "german-credit", "dataset_path": "datasets/german-credit/"}
        job = real_front.post("/train", json=body, headers=headers).json()["job"]
        return real_front.get(f"/train/{job}").json()["trained_by"]

    signature = "AWS4-HMAC-SHA256 Credential=bea/20261121/us-east-1/execute-api/aws4_request, ..."

    arn = f"arn:aws:iam::{ACCOUNT}:user"
    assert asked_by(Authorization=signature) == f"{arn}/bea"
    assert asked_by() == f"{arn}/{getpass.getuser()}"


def test_absent_parts_of_a_request_are_null(front):
    event = front.get("/health").json()

    assert event["body"] is None
    assert event["pathParameters"] is None
    assert event["queryStringParameters"] is None
    assert event["multiValueQueryStringParameters"] is None


def test_a_binary_body_is_sent_in_base64(front):
    event = front.post("/predict", content=b"\xff\x00").json()

    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\xff\x00"


def error_of(response):
    body = response.json()["error"]
    assert set(body) == {"code", "message", "fields"}
    assert body["fields"] == []
    return response.status_code, body["code"]


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/predict/", "/models/a/b/c", "/predict/batch/x"]
)
def test_an_unknown_route_is_404(front, path):
    assert error_of(front.get(path)) == (404, "route_not_found")


@pytest.mark.parametrize(("method", "path"), [("GET", "/predict"), ("HEAD", "/health")])
def test_a_known_route_with_another_method_is_405(front, method, path):
    response = front.request(method, path)

    assert response.status_code == 405
    assert response.headers["allow"] in {"GET", "POST"}
    if method != "HEAD":
        assert error_of(response) == (405, "method_not_allowed")


@pytest.mark.parametrize("declared", [True, False], ids=["content-length", "chunked"])
def test_a_body_over_6_mb_is_413(front, declared):
    async def chunks():
        for _ in range(7):
            yield b" " * 1024 * 1024

    content = b" " * (MAX_PAYLOAD_BYTES + 1) if declared else chunks()

    assert error_of(front.post("/predict", content=content)) == (413, "payload_too_large")


def test_a_body_of_6_mb_is_taken(front):
    event = front.post("/predict", content=b" " * MAX_PAYLOAD_BYTES).json()
    assert len(event["body"]) == MAX_PAYLOAD_BYTES


def test_an_answer_that_is_not_a_proxy_response_is_502(front):
    assert error_of(front.get("/models")) == (502, "internal_error")


def test_an_invocation_returns_what_the_handler_returns(front):
    response = front.post(INVOKE, content=b'{"a": 1}')

    assert response.headers["x-amz-executed-version"] == "$LATEST"
    assert "x-amz-function-error" not in response.headers
    assert json.loads(response.json()["body"]) == {"a": 1}


def test_a_handler_that_raises_is_a_function_error(front):
    path = INVOKE.replace("-predict", "-admin")

    response = front.post(path, content=b'{"fail": true}')

    assert response.status_code == 200
    assert response.headers["x-amz-function-error"] == "Unhandled"
    assert response.json()["errorType"] == "ValueError"
    assert response.json()["stackTrace"]


@pytest.mark.parametrize(
    ("kind", "status"), [("RequestResponse", 200), ("Event", 202), ("DryRun", 204)]
)
def test_invocation_types(front, kind, status):
    headers = {"X-Amz-Invocation-Type": kind}
    assert front.post(INVOKE, content=b"{}", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("path", "content", "status", "kind"),
    [
        (INVOKE.replace("-predict", "-nobody"), b"{}", 404, "ResourceNotFoundException"),
        (INVOKE, b"{", 400, "InvalidRequestContentException"),
        (INVOKE, b"1" * (MAX_PAYLOAD_BYTES + 1), 413, "RequestTooLargeException"),
    ],
    ids=["unknown", "no-json", "too-large"],
)
def test_invocation_errors_have_the_names_of_lambda(front, path, content, status, kind):
    response = front.post(path, content=content)

    assert (response.status_code, response.headers["x-amzn-errortype"]) == (status, kind)


def test_the_front_asks_the_real_handlers(real_front):
    response = real_front.get("/models/no-such-model/history")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "model_not_found"
