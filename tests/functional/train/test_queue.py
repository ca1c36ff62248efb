import json
import time

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from scoreline.aws.clients import aws_errors
from scoreline.aws.train_queue import LONGEST_DELAY_S, MAX_RECEIVES, MESSAGE_LIFE_S
from scoreline.core.errors import DatasetError, JobNotFoundError, RegistryUnavailableError
from scoreline.jobs.execution import TABLE_POLL_S
from scoreline.jobs.jobs import TrainingRequest
from scoreline.jobs.messages import requested_jobs
from scoreline.jobs.runs import LEASE_S, MODEL_POLL_S, Message, TrainingResult
from tests.functional.train.conftest import VERSION, body_of, job_table

pytestmark = pytest.mark.slow

MODEL = "german-credit"
URI = "s3://scoreline-test-123456789012/datasets/german-credit/"


@pytest.fixture
def job(load_event):
    return json.loads(body_of(load_event("sqs-train-job")))["job"]


def job_of(event):
    [requested] = requested_jobs(body_of(event))
    return requested.id


def test_a_job_of_post_train_ends_with_score_and_model_name(invoke, jobs, job, load_event):
    answer = invoke(load_event("sqs-train-job"))

    item = jobs.get(job)
    assert answer == {"batchItemFailures": []}
    assert (item["state"], item["model_name"]) == ("succeeded", "20261121T004501Z-3fa9c1d2")
    assert (item["score"], item["status"]) == (0.79, "candidate")


def test_a_job_with_a_rejected_version_has_succeeded_and_shows_the_status(
    invoke, jobs, job, training, load_event
):
    training.status = "rejected"

    invoke(load_event("sqs-train-job"))

    item = jobs.get(job)
    assert (item["state"], item["status"]) == ("succeeded", "rejected")


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


def test_the_same_message_twice_trains_once(mapping, training, load_event):
    for _ in range(3):
        mapping.send(body_of(load_event("sqs-dataset-ready")))

    mapping.poll()

    assert len(training.asked) == 1
    assert mapping.waiting() == (0, 0, 0)


def test_eventbridge_and_an_s3_notification_of_one_object_train_once(invoke, training, load_event):
    invoke(load_event("sqs-dataset-ready"))
    invoke(load_event("sqs-s3-notification"))

    assert len(training.asked) == 1


def test_a_manifest_written_again_trains_again(invoke, training, load_event):
    event = load_event("sqs-dataset-ready")
    message = json.loads(body_of(event))
    invoke(event)

    message["detail"]["object"]["version-id"] = "the-next-one"
    event["Records"][0]["body"] = json.dumps(message)
    invoke(event)

    assert len(training.asked) == 2


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


def test_a_duplicate_of_a_running_job_is_neither_trained_nor_lost(
    invoke, training, copied_for, load_event
):
    event = load_event("sqs-train-job")
    copies = []
    training.meanwhile = lambda: copies.append(copied_for(event))

    invoke(event)

    [[delay_s]] = copies
    assert len(training.asked) == 1
    assert LEASE_S - 60 < delay_s <= LONGEST_DELAY_S
    assert invoke(event) == {"batchItemFailures": []}


def test_a_job_whose_function_was_killed_is_taken_over_when_its_lease_ends(
    invoke, jobs, runs, job, settings, load_event
):
    event = load_event("sqs-train-job")
    [requested] = requested_jobs(body_of(event))
    runs.start(job, requested.request, Message("m-1"))
    let_lease_end(settings, job)
    assert jobs.get(job)["reason"] == "its run ended without a result"

    invoke(event)

    assert jobs.get(job)["state"] == "succeeded"


@pytest.fixture
def last_receive(load_event):
    event = load_event("sqs-train-job")
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = str(MAX_RECEIVES)
    return event


def let_lease_end(settings, job):
    job_table(settings).update_item(
        Key={"job": job},
        UpdateExpression="SET lease_until = :then",
        ExpressionAttributeValues={":then": int(time.time()) - 1},
    )


class KilledError(BaseException):
    """Lambda stops the function: no code of ours runs after it."""


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


# One job of a model at a time


def job_message(model, number):
    path = f"s3://scoreline-test-123456789012/datasets/{model}/{number}/"
    return json.dumps({"job": f"{model}-{number}", "model": model, "dataset_path": path})


def test_a_second_job_of_a_model_is_deferred_without_counting_an_attempt(
    mapping, jobs, training, monkeypatch
):
    monkeypatch.setattr("scoreline.jobs.runs.MODEL_POLL_S", 0)
    mapping.send(job_message(MODEL, 1))
    waited = []

    def second_comes():
        training.meanwhile = lambda: None
        mapping.send(job_message(MODEL, 2))
        waited.extend(mapping.poll() for _ in range(3 * MAX_RECEIVES))

    training.meanwhile = second_comes
    mapping.poll()
    alone = list(training.asked)
    mapping.poll()

    assert waited == [1] * (3 * MAX_RECEIVES)
    assert len(alone) == 1
    assert len(training.asked) == 2
    assert {jobs.get(f"{MODEL}-{n}")["state"] for n in (1, 2)} == {"succeeded"}
    assert mapping.waiting() == (0, 0, 0)


def test_a_deferred_job_looks_again_soon(training, invoke, mapping, copied_for, load_event):
    training.meanwhile = lambda: copies.append(copied_for(load_event("sqs-dataset-ready")))
    copies = []

    invoke(load_event("sqs-train-job"))

    assert copies == [[MODEL_POLL_S]]


def test_jobs_of_two_models_train_at_the_same_time(mapping, training):
    mapping.send(job_message(MODEL, 1))
    during = []

    def other_comes():
        training.meanwhile = lambda: None
        mapping.send(job_message("loan-risk", 1))
        mapping.poll()
        during.extend(model for model, _ in training.asked)

    training.meanwhile = other_comes
    mapping.poll()

    assert during == [MODEL, "loan-risk"]


@pytest.mark.parametrize(
    "problem", [None, DatasetError("income: column is missing"), RegistryUnavailableError("S3")]
)
def test_a_model_is_free_once_its_job_has_ended_in_any_way(mapping, training, jobs, problem):
    training.problems = [problem] if problem else []
    for number in (1, 2):
        mapping.send(job_message(MODEL, number))

    mapping.poll()

    assert jobs.get(f"{MODEL}-2")["state"] == "succeeded"


def test_a_model_whose_function_was_killed_is_free_when_the_lease_ends(
    mapping, runs, jobs, settings, training
):
    runs.start("dead", TrainingRequest(MODEL, URI), Message("m-1"))
    mapping.send(job_message(MODEL, 1))
    let_lease_end(settings, "dead")
    let_lease_end(settings, f"model {MODEL}")

    mapping.poll()

    assert jobs.get(f"{MODEL}-1")["state"] == "succeeded"


def test_the_lock_of_a_model_is_not_a_job(runs, jobs):
    runs.start("dead", TrainingRequest(MODEL, URI), Message("m-1"))

    with pytest.raises(JobNotFoundError):
        jobs.get(f"model {MODEL}")


# Events out of order


def ready(load_event, version, sequencer):
    event = load_event("sqs-dataset-ready")
    message = json.loads(body_of(event))
    message["detail"]["object"] |= {"version-id": version, "sequencer": sequencer}
    event["Records"][0]["body"] = json.dumps(message)
    return event


@pytest.mark.parametrize(
    ("newer", "older"),
    [("00617F08299329D189", "00617F08299329D188"), ("00617F08299329D189", "00617F08299329")],
    ids=["of one length", "the shorter is padded with zeros"],
)
def test_an_event_that_arrives_after_a_newer_one_is_superseded(
    invoke, jobs, training, load_event, newer, older
):
    late = ready(load_event, "first", older)
    invoke(ready(load_event, "second", newer))

    answer = invoke(late)

    job = jobs.get(job_of(late))
    assert answer == {"batchItemFailures": []}
    assert [path[-6:] for _, path in training.asked] == ["second"]
    assert job["state"] == "superseded"
    assert job["reason"] == "a newer manifest of the same key has been announced"


def test_a_deferred_job_is_superseded_by_a_newer_manifest(
    invoke, jobs, runs, training, settings, load_event
):
    first = ready(load_event, "first", "00617F08299329D188")
    runs.start("other", TrainingRequest(MODEL, URI), Message("m-1"))
    invoke(first)
    invoke(ready(load_event, "second", "00617F08299329D189"))
    let_lease_end(settings, f"model {MODEL}")

    invoke(first)

    assert jobs.get(job_of(first))["state"] == "superseded"
    assert training.asked == []


def test_a_job_that_has_succeeded_stays_so_when_a_newer_manifest_comes(invoke, jobs, load_event):
    first = ready(load_event, "first", "00617F08299329D188")
    invoke(first)
    invoke(ready(load_event, "second", "00617F08299329D189"))

    invoke(first)

    assert jobs.get(job_of(first))["state"] == "succeeded"


def test_manifests_of_two_folders_do_not_supersede_each_other(invoke, training, load_event):
    invoke(ready(load_event, "first", "00617F08299329D189"))
    event = ready(load_event, "second", "00617F08299329D188")
    event["Records"][0]["body"] = body_of(event).replace("2026-11", "2026-10")

    invoke(event)

    assert len(training.asked) == 2


# A run that was killed


def test_a_version_that_was_published_before_the_function_died_is_the_jobs_result(
    invoke, jobs, runs, job, registry, training, settings, load_event
):
    run = runs.start(job, TrainingRequest(MODEL, URI), Message("m-1"))
    runs.announce(run, TrainingResult(VERSION, 0.78))
    registry.publish(MODEL, VERSION, {"manifest.json": b"{}"})
    let_lease_end(settings, job)

    invoke(load_event("sqs-train-job"))

    assert training.asked == []
    assert registry.versions(MODEL) == [VERSION]
    assert (jobs.get(job)["state"], jobs.get(job)["model_name"]) == ("succeeded", VERSION)
    assert jobs.get(job)["score"] == 0.78


def test_a_version_without_a_manifest_is_trained_again(
    invoke, jobs, runs, job, registry, training, settings, load_event
):
    run = runs.start(job, TrainingRequest(MODEL, URI), Message("m-1"))
    runs.announce(run, TrainingResult(VERSION, 0.78))
    key = f"models/{MODEL}/{VERSION}/model.onnx"
    boto3.client("s3").put_object(Bucket=settings.bucket, Key=key, Body=b"half")
    let_lease_end(settings, job)

    invoke(load_event("sqs-train-job"))

    assert registry.versions(MODEL) == [jobs.get(job)["model_name"]]
    assert jobs.get(job)["model_name"] != VERSION


def test_a_run_that_was_taken_over_neither_publishes_nor_ends_the_job(
    invoke, jobs, job, registry, training, settings, load_event
):
    event = load_event("sqs-train-job")

    def taken_over():
        training.meanwhile = lambda: None
        let_lease_end(settings, job)
        invoke(event)

    training.meanwhile = taken_over

    invoke(event)

    assert len(training.asked) == 2
    assert registry.versions(MODEL) == [jobs.get(job)["model_name"]]


@pytest.mark.parametrize(("days", "state"), [(3, "queued"), (5, "failed")])
def test_a_job_whose_message_has_expired_has_failed_and_may_be_queued_again(
    jobs, job, settings, days, state
):
    request = TrainingRequest(MODEL, URI)
    jobs.queue(job, request)
    job_table(settings).update_item(
        Key={"job": job},
        UpdateExpression="SET due_until = :then",
        ExpressionAttributeValues={":then": int(time.time()) + MESSAGE_LIFE_S - days * 86400},
    )

    assert jobs.get(job)["state"] == state
    jobs.queue(job, request)
    assert jobs.get(job)["state"] == "queued"


def test_a_job_that_gave_up_stays_failed_while_its_message_is_delivered(
    mapping, jobs, job, training, load_event, monkeypatch
):
    """The job was deferred between two attempts, so that its message is a new copy."""
    monkeypatch.setattr("scoreline.jobs.worker.FIRST_RETRY_S", 0)
    training.problems = [RegistryUnavailableError("S3 answered SlowDown")] * 9
    body = body_of(load_event("sqs-train-job"))
    mapping.send(body)
    mapping.poll()
    mapping.purge()
    mapping.send(body)

    rounds = [mapping.poll() for _ in range(MAX_RECEIVES + 1)]

    assert rounds == [1] * MAX_RECEIVES + [0]
    assert len(training.asked) == MAX_RECEIVES
    assert mapping.waiting() == (0, 0, 1)
    assert jobs.get(job)["state"] == "failed"
