"""Jobs that fail: what is retried, for how long, and what the job says at its end."""

import json

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from scoreline.aws.clients import aws_errors
from scoreline.aws.train_queue import MAX_RECEIVES
from scoreline.core.errors import DatasetError, RegistryUnavailableError
from scoreline.jobs.execution import TABLE_POLL_S
from scoreline.jobs.runs import LEASE_S
from tests.functional.train.conftest import KilledError, body_of, let_lease_end

pytestmark = pytest.mark.slow

MODEL = "german-credit"
URI = "s3://scoreline-test-123456789012/datasets/german-credit/"


def test_a_transient_error_at_the_last_delivery_fails_the_job_with_its_reason(
    invoke, jobs, job, training, last_receive
):
    training.problems = [RegistryUnavailableError("S3 answered SlowDown")]

    answer = invoke(last_receive)

    item = jobs.get(job)
    assert len(answer["batchItemFailures"]) == 1
    assert item["state"] == "failed"
    assert item["reason"] == "last attempt: S3 answered SlowDown"
    assert "ended_at" in item


def test_repeated_transient_errors_leave_a_failed_job_and_a_dead_letter(
    mapping, jobs, job, training, load_event, monkeypatch
):
    monkeypatch.setattr("scoreline.jobs.worker.FIRST_RETRY_S", 0)
    training.problems = [RegistryUnavailableError("S3 answered SlowDown")] * MAX_RECEIVES
    mapping.send(body_of(load_event("sqs-train-job")))

    rounds = [mapping.poll() for _ in range(MAX_RECEIVES + 1)]

    assert rounds == [1] * MAX_RECEIVES + [0]
    assert len(training.asked) == MAX_RECEIVES
    assert mapping.waiting() == (0, 0, 1)
    assert jobs.get(job)["state"] == "failed"


def test_a_job_that_gave_up_starts_again_with_a_new_message(
    invoke, jobs, job, training, load_event, last_receive
):
    training.problems = [RegistryUnavailableError("S3 answered SlowDown")]
    invoke(last_receive)
    again = load_event("sqs-train-job")
    again["Records"][0]["messageId"] = "of-a-redrive"

    answer = invoke(again)

    assert answer == {"batchItemFailures": []}
    assert jobs.get(job)["state"] == "succeeded"


@pytest.mark.parametrize(
    ("receives", "state", "reason"),
    [
        (MAX_RECEIVES - 1, "queued", "its run ended without a result"),
        (MAX_RECEIVES, "failed", "its last run ended without a result"),
    ],
)
def test_a_function_killed_at_the_last_delivery_leaves_a_failed_job(
    invoke, jobs, job, training, settings, last_receive, receives, state, reason
):
    last_receive["Records"][0]["attributes"]["ApproximateReceiveCount"] = str(receives)
    training.problems = [KilledError()]
    with pytest.raises(KilledError):
        invoke(last_receive)

    let_lease_end(settings, job)

    assert (jobs.get(job)["state"], jobs.get(job)["reason"]) == (state, reason)


def test_a_job_that_cannot_be_released_is_deferred_until_its_lease_ends(
    training, copied_for, load_event, settings
):
    training.meanwhile = lambda: boto3.client("dynamodb").delete_table(
        TableName=settings.jobs_table
    )
    training.problems = [RegistryUnavailableError("S3 answered SlowDown")]

    assert copied_for(load_event("sqs-train-job")) == [LEASE_S]


def test_a_transient_error_is_logged_by_type_and_place_without_its_text(
    invoke, training, load_event, log
):
    training.problems = [ConnectionResetError("while sending 'Ada Example'")]

    invoke(load_event("sqs-train-job"))

    [line] = [line for line in log() if line["message"] == "transient error"]
    assert line["error"] == "ConnectionResetError"
    assert "trainer.py" in str(line["trace"])
    assert "Ada" not in json.dumps(log())


def test_other_content_under_a_published_version_fails_the_job_at_once(
    invoke, jobs, job, registry, training, load_event
):
    registry.publish(MODEL, "20261121T004501Z-3fa9c1d2", {"manifest.json": b"other"})

    invoke(load_event("sqs-train-job"))

    assert jobs.get(job)["state"] == "failed"
    assert "exists already, with other content" in jobs.get(job)["reason"]


def test_a_permanent_error_ends_in_the_dead_letter_queue_after_one_attempt(
    mapping, jobs, job, training, load_event
):
    training.problems = [DatasetError("income: column is missing")]
    mapping.send(body_of(load_event("sqs-train-job")))

    rounds = [mapping.poll() for _ in range(MAX_RECEIVES + 1)]

    assert rounds == [1] * MAX_RECEIVES + [0]
    assert len(training.asked) == 1
    assert mapping.waiting() == (0, 0, 1)
    assert jobs.get(job)["state"] == "failed"
    assert jobs.get(job)["reason"] == "income: column is missing"


@pytest.mark.parametrize(
    "problem",
    [
        RegistryUnavailableError("S3 answered SlowDown"),
        EndpointConnectionError(endpoint_url="https://s3.example"),
        ConnectionResetError("by peer"),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_a_transient_error_releases_the_job_and_is_retried(
    invoke, jobs, job, training, hidden_for, load_event, problem
):
    training.problems = [problem]
    event = load_event("sqs-train-job")

    hidden_s = hidden_for(event)
    waiting = jobs.get(job)
    answer = invoke(event)

    assert hidden_s == [30]
    assert waiting["state"] == "queued"
    assert waiting["reason"].startswith("will be tried again: ")
    assert answer == {"batchItemFailures": []}
    assert jobs.get(job)["state"] == "succeeded"
    assert "reason" not in jobs.get(job)


def test_the_delay_doubles_with_every_delivery(training, hidden_for, load_event):
    training.problems = [RegistryUnavailableError("S3 answered SlowDown")]
    event = load_event("sqs-train-job")
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = "2"

    assert hidden_for(event) == [60]


def test_the_message_of_a_transient_error_stays_hidden_until_the_retry(
    mapping, training, load_event
):
    training.problems = [RegistryUnavailableError("S3 answered SlowDown")]
    mapping.send(body_of(load_event("sqs-train-job")))

    assert [mapping.poll(), mapping.poll()] == [1, 0]
    assert mapping.waiting() == (0, 1, 0)


def test_a_message_fails_even_where_its_visibility_cannot_be_changed(
    invoke, training, load_event, settings
):
    training.problems = [DatasetError("income: column is missing")]
    sqs = boto3.client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=settings.train_queue)["QueueUrl"])

    answer = invoke(load_event("sqs-train-job"))

    assert len(answer["batchItemFailures"]) == 1


def test_a_bucket_that_cannot_be_read_fails_the_job(invoke, jobs, job, training, load_event):
    def read():
        with aws_errors("S3"):
            boto3.client("s3").get_object(Bucket="another-bucket", Key="german.csv")

    training.meanwhile = read

    invoke(load_event("sqs-train-job"))

    assert jobs.get(job)["state"] == "failed"
    assert jobs.get(job)["reason"] == "S3 answered NoSuchBucket"


def test_the_reason_of_an_unexpected_error_holds_no_value(invoke, jobs, job, training, load_event):
    training.problems = [ValueError("could not convert string to float: 'Ada Example'")]

    answer = invoke(load_event("sqs-train-job"))

    assert len(answer["batchItemFailures"]) == 1
    assert jobs.get(job)["state"] == "failed"
    assert jobs.get(job)["reason"].startswith("unexpected ValueError;")
    assert "Ada" not in jobs.get(job)["reason"]


def test_an_unavailable_jobs_table_defers_the_job_without_counting_an_attempt(
    mapping, settings, training, load_event, log, monkeypatch
):
    monkeypatch.setattr("scoreline.jobs.execution.TABLE_POLL_S", 0)
    description = boto3.client("dynamodb").describe_table(TableName=settings.jobs_table)["Table"]
    boto3.client("dynamodb").delete_table(TableName=settings.jobs_table)
    mapping.send(body_of(load_event("sqs-train-job")))

    rounds = [mapping.poll() for _ in range(2 * MAX_RECEIVES)]
    boto3.client("dynamodb").create_table(
        **{k: description[k] for k in ("TableName", "AttributeDefinitions", "KeySchema")},
        BillingMode="PAY_PER_REQUEST",
    )
    mapping.poll()

    line = next(line for line in log() if line["message"] == "transient error")
    assert rounds == [1] * (2 * MAX_RECEIVES)
    assert len(training.asked) == 1
    assert mapping.waiting() == (0, 0, 0)
    assert "jobs_table.py" in str(line["trace"])


def test_an_unavailable_jobs_table_is_tried_again_after_a_minute(copied_for, settings, load_event):
    boto3.client("dynamodb").delete_table(TableName=settings.jobs_table)

    assert copied_for(load_event("sqs-train-job")) == [TABLE_POLL_S]


def test_a_message_that_cannot_be_requeued_is_delivered_again(invoke, settings, load_event):
    boto3.client("dynamodb").delete_table(TableName=settings.jobs_table)
    sqs = boto3.client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=settings.train_queue)["QueueUrl"])

    assert len(invoke(load_event("sqs-train-job"))["batchItemFailures"]) == 1
