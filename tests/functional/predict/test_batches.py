"""Batches: an answer or an error for each item, bounded in number and size."""

import json

import pytest

from scoreline.api.http import MAX_PAYLOAD_BYTES, Response
from scoreline.core.errors import PayloadTooLargeError
from scoreline.scoring import batch_answers
from tests.sample import APPLICATION, bundle

pytestmark = [
    pytest.mark.filterwarnings("ignore:No application metrics to publish"),
    pytest.mark.usefixtures("promoted"),
]


@pytest.mark.parametrize("name", ["predict-batch", "predict-model-batch", "direct-predict-batch"])
def test_a_batch_answers_item_by_item_in_order(handle, name):
    _, single = handle("predict")

    _, answer = handle(name)

    good, bad, other = answer["results"]
    assert good == {key: value for key, value in single.items() if key != "processing_time_ms"}
    assert bad["id"] == "application-18"
    assert [f["field"] for f in bad["error"]["fields"]] == ["debt", "shoe_size"]
    assert other["id"] == "application-19"
    assert (answer["model"], answer["version"]) == ("sample", bundle().version)


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
