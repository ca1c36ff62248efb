"""Bodies, headers and addresses of requests: each is read, or refused with its cause."""

import json

import pytest

from functions.predict import routes as app
from scoreline.api.http import Request
from tests.sample import APPLICATION

pytestmark = [
    pytest.mark.filterwarnings("ignore:No application metrics to publish"),
    pytest.mark.usefixtures("promoted"),
]


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
