import json
import time

import boto3
import pytest

from scoreline.aws.train_queue import LONGEST_DELAY_S, MAX_RECEIVES, MESSAGE_LIFE_S
from scoreline.core.errors import DatasetError, JobNotFoundError, RegistryUnavailableError
from scoreline.jobs.jobs import TrainingRequest
from scoreline.jobs.messages import requested_jobs
from scoreline.jobs.runs import LEASE_S, MODEL_POLL_S, Message, TrainingResult
from tests.functional.train.conftest import VERSION, body_of, job_of, job_table, let_lease_end

pytestmark = pytest.mark.slow

MODEL = "german-credit"
URI = "s3://scoreline-test-123456789012/datasets/german-credit/"


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
