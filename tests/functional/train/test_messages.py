"""Messages that ask for training: each becomes a job, or a failed job that says why."""

import json

import boto3
import pytest

from scoreline.jobs.messages import requested_jobs
from tests.functional.train.conftest import body_of, job_of

pytestmark = pytest.mark.slow

MODEL = "german-credit"
URI = "s3://scoreline-test-123456789012/datasets/german-credit/"


def test_a_ready_manifest_trains_on_the_files_of_its_version(invoke, jobs, training, load_event):
    event = load_event("sqs-dataset-ready")

    invoke(event)

    version = "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"
    assert training.asked == [(MODEL, f"{URI}2026-11/_READY.json?versionId={version}")]
    assert jobs.get(job_of(event))["state"] == "succeeded"
    assert training.trained_by == ["upload by 123456789012"]


def test_the_caller_who_posts_a_job_is_recorded_as_its_trainer(
    invoke, jobs, job, training, load_event
):
    invoke(load_event("sqs-train-job"))

    ada = "arn:aws:iam::123456789012:user/ada.example"
    assert training.trained_by == [ada]
    assert jobs.get(job)["trained_by"] == ada


def test_a_message_without_a_trainer_is_accepted(invoke, job, training, load_event):
    event = load_event("sqs-train-job")
    message = json.loads(body_of(event))
    del message["trained_by"]
    event["Records"][0]["body"] = json.dumps(message)

    assert invoke(event) == {"batchItemFailures": []}
    assert training.trained_by == [""]


@pytest.mark.parametrize(
    ("metadata", "who"),
    [({"uploaded-by": "ada"}, "ada"), ({}, "upload by 123456789012")],
)
def test_the_uploader_of_a_dataset_is_recorded_as_the_trainer(
    invoke, settings, training, load_event, metadata, who
):
    key = "datasets/german-credit/2026-11/_READY.json"
    written = boto3.client("s3").put_object(
        Bucket=settings.bucket, Key=key, Body=b"{}", Metadata=metadata
    )
    event = load_event("sqs-dataset-ready")
    message = json.loads(body_of(event))
    message["detail"]["object"]["version-id"] = written["VersionId"]
    event["Records"][0]["body"] = json.dumps(message)

    invoke(event)

    assert training.trained_by == [who]


def test_an_s3_notification_names_the_principal(load_event):
    message = json.loads(body_of(load_event("sqs-s3-notification")))
    message["Records"][0]["userIdentity"] = {"principalId": "AWS:AIDAEXAMPLE"}

    [requested] = requested_jobs(json.dumps(message))

    assert requested.request.trained_by == "upload by AWS:AIDAEXAMPLE"


def test_in_a_bucket_without_versions_etag_and_sequencer_tell_events_apart(load_event):
    message = json.loads(body_of(load_event("sqs-dataset-ready")))
    s3_object = message["detail"]["object"]
    del s3_object["version-id"]
    first, again = requested_jobs(json.dumps(message)), requested_jobs(json.dumps(message))
    s3_object["sequencer"] = "00617F08299329D190"
    later = requested_jobs(json.dumps(message))

    assert first == again
    assert first[0].id != later[0].id


def test_keys_of_an_s3_notification_are_decoded(load_event):
    message = json.loads(body_of(load_event("sqs-s3-notification")))
    key = "datasets/german-credit/November+2026%2C+final/_READY.json"
    message["Records"][0]["s3"]["object"]["key"] = key

    [requested] = requested_jobs(json.dumps(message))

    assert requested.manifest == f"{URI}November 2026, final/_READY.json"
    assert requested.request.dataset_path.startswith(requested.manifest + "?versionId=")


def test_a_local_path_that_reached_the_queue_fails_the_job(invoke, jobs, job, training, load_event):
    event = load_event("sqs-train-job")
    body = {"job": job, "model": MODEL, "dataset_path": "/etc/passwd"}
    event["Records"][0]["body"] = json.dumps(body)

    invoke(event)

    assert training.asked == []
    assert jobs.get(job)["reason"].startswith("dataset_path: must be s3://BUCKET/KEY")


@pytest.mark.parametrize(
    "key",
    [
        "datasets/_READY.json",
        "datasets/German Credit/_READY.json",
        "datasets/german-credit/READY.json",
        "uploads/german-credit/_READY.json",
    ],
)
def test_a_manifest_that_names_no_model_is_a_failed_job(mapping, jobs, training, load_event, key):
    event = load_event("sqs-dataset-of-no-model")
    message = json.loads(body_of(event))
    message["detail"]["object"]["key"] = key
    event["Records"][0]["body"] = json.dumps(message)
    mapping.send(body_of(event))

    while mapping.poll():
        pass

    item = jobs.get(job_of(event))
    assert item["state"] == "failed"
    assert item["reason"].startswith("the manifest's key must be datasets/MODEL/_READY.json")
    assert training.asked == []
    assert mapping.waiting() == (0, 0, 1)


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        "{}",
        '{"Records": [{}]}',
        '{"job": 1, "model": "a", "dataset_path": "b"}',
        '{"detail-type": "Object Created", "detail": {}}',
    ],
)
def test_a_message_of_another_kind_ends_in_the_dead_letter_queue_and_a_job_says_why(
    mapping, jobs, training, body
):
    mapping.send(body)

    while mapping.poll():
        pass

    [message] = mapping.dead()
    job = jobs.get(message["MessageId"].replace("-", ""))
    assert training.asked == []
    assert job["state"] == "failed"
    assert job["reason"] == "not a message that asks for training"


def test_the_test_event_of_s3_asks_for_no_job(mapping, training):
    mapping.send('{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}')

    mapping.poll()

    assert mapping.waiting() == (0, 0, 0)


def test_a_bad_message_does_not_hold_up_the_others(invoke, training, load_event):
    event = load_event("sqs-train-job")
    bad = {**event["Records"][0], "messageId": "bad", "body": "{"}
    event["Records"].insert(0, bad)

    assert invoke(event) == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert len(training.asked) == 1


def test_what_post_train_sends_is_what_the_train_function_reads(
    mapping, training, load_event, lambda_context
):
    from functions.admin.handler import lambda_handler as admin

    job = json.loads(admin(load_event("train"), lambda_context)["body"])["job"]
    mapping.poll()
    asked = load_event("train-job") | {"pathParameters": {"job": job}}
    item = json.loads(admin(asked, lambda_context)["body"])

    assert training.asked == [(MODEL, URI)]
    assert (item["state"], item["score"]) == ("succeeded", 0.79)
