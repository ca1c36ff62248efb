import json

import boto3
import pytest

from functions.admin.handler import lambda_handler
from scoreline.jobs.jobs import Jobs, TrainingRequest
from scoreline.jobs.runs import Message, Runs, TrainingResult

TRAINED = "20261121T004512Z-3fa9c1d2"
URI = "s3://scoreline-test-123456789012/datasets/german-credit/"


@pytest.fixture
def jobs(aws, settings):
    return Jobs.connect(settings)


@pytest.fixture
def messages(aws, settings):
    def messages():
        sqs = boto3.client("sqs")
        url = sqs.get_queue_url(QueueName=settings.train_queue)["QueueUrl"]
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in received.get("Messages", [])]

    return messages


def finish(settings, job):
    runs = Runs.connect(settings)
    run = runs.start(job, TrainingRequest("german-credit", URI), Message("m-1"))
    runs.succeed(run, TrainingResult(TRAINED, 0.79))


def test_train_answers_202_with_a_job_that_is_recorded_and_sent(
    aws, jobs, messages, load_event, lambda_context
):
    answer = lambda_handler(load_event("train"), lambda_context)

    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["state"]) == (202, "queued")
    assert answer["headers"]["Location"] == f"train/{body['job']}"
    assert jobs.get(body["job"])["dataset_path"] == URI
    assert jobs.get(body["job"])["trained_by"].endswith("user/ada.example")
    [message] = messages()
    assert message.pop("trained_by").endswith("user/ada.example")
    assert message == {"job": body["job"], "model": "german-credit", "dataset_path": URI}


def test_without_a_model_the_default_one_is_trained(aws, call, jobs, load_event):
    event = load_event("train") | {"body": '{"dataset_path": "datasets/loan-risk/"}'}

    status, body = call(event)

    assert status == 202
    assert jobs.get(body["job"])["model"] == "loan-risk"


def test_the_same_idempotency_key_asks_for_the_same_job(aws, call, load_event):
    event = load_event("train")

    assert call(event)[1]["job"] == call(event)[1]["job"]


def test_without_an_idempotency_key_every_request_is_a_new_job(aws, call, load_event):
    event = load_event("train") | {"headers": None}

    assert call(event)[1]["job"] != call(event)[1]["job"]


def test_a_job_that_has_ended_is_not_sent_again(aws, settings, messages, call, load_event):
    _, body = call(load_event("train"))
    messages()
    finish(settings, body["job"])

    status, again = call(load_event("train"))

    assert (status, again) == (202, {"job": body["job"], "state": "succeeded"})
    assert messages() == []


def test_a_job_whose_message_is_not_sent_is_503_and_a_retry_repairs_it(
    aws, jobs, messages, call, load_event, rest_event, settings
):
    sqs = boto3.client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=settings.train_queue)["QueueUrl"])

    status, body = call(load_event("train"))

    assert (status, body["error"]["code"]) == (503, "registry_unavailable")
    job = body["error"]["message"].split()[1].rstrip(":")
    _, item = call(rest_event("GET", "/train/{job}", {"job": job}))
    assert (item["state"], "post it again" in item["reason"]) == ("failed", True)

    sqs.create_queue(QueueName=settings.train_queue)
    status, body = call(load_event("train"))

    assert (status, body) == (202, {"job": job, "state": "queued"})
    assert [message["job"] for message in messages()] == [job]
    assert jobs.get(job)["state"] == "queued"


@pytest.mark.parametrize(
    "path",
    [
        "/tmp/german.csv",
        "german.csv",
        "./datasets/german-credit/",
        "datasets/../models/",
        "datasets//x",
        "C:\\data",
        "file:///tmp/german.csv",
        "https://example.org/x.csv",
        "s3://bucket",
        "s3://bucket/a\nb",
        "s3://bucket/a?b",
        "",
    ],
)
def test_a_path_that_is_not_in_s3_is_refused_by_rule(aws, messages, call, load_event, path):
    event = load_event("train-local-path")
    event["body"] = json.dumps({"model": "german-credit", "dataset_path": path})

    status, body = call(event)

    [field] = body["error"]["fields"]
    assert (status, field["field"]) == (422, "dataset_path")
    assert "paths of a local disk are not read" in field["rule"]
    assert messages() == []


def test_the_local_path_of_the_example_event_is_refused(aws, call, load_event):
    assert call(load_event("train-local-path"))[0] == 422


def test_an_idempotency_key_that_is_not_text_is_422(aws, call, load_event):
    event = load_event("train") | {"headers": {"idempotency-key": "\n"}}

    status, body = call(event)

    assert (status, body["error"]["fields"][0]["field"]) == (422, "idempotency-key")


def test_a_job_ends_with_score_and_model_name(aws, settings, call, load_event):
    job = load_event("train-job")["pathParameters"]["job"]
    finish(settings, job)

    status, body = call(load_event("train-job"))

    assert status == 200
    assert (body["state"], body["model_name"], body["score"]) == ("succeeded", TRAINED, 0.79)


@pytest.mark.parametrize("job", ["0" * 32, "x", "a b", "0" * 3000])
def test_an_unknown_job_is_404(aws, call, rest_event, job):
    status, body = call(rest_event("GET", "/train/{job}", {"job": job}))

    assert (status, body["error"]["code"]) == (404, "job_not_found")
