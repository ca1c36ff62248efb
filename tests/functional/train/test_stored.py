"""Jobs and messages that were written at commit 65e50d6 are shown and run as before.

`tests/stored/jobs.json` holds the items of DynamoDB, and what each job showed to clients.
"""

import json
import time
from pathlib import Path

import boto3
import pytest

from scoreline.core.errors import JobDeferredError, JobFailedError
from scoreline.jobs.jobs import TrainingRequest
from scoreline.jobs.messages import requested_jobs
from scoreline.jobs.runs import Message, TrainingResult
from tests.functional.train.conftest import job_table

STORED = json.loads((Path(__file__).parents[2] / "stored" / "jobs.json").read_text())
NAMES = STORED["names"]
ADA = "arn:aws:iam::123456789012:user/ada.example"
MANIFEST = "s3://scoreline-test-123456789012/datasets/german-credit/2026-11/_READY.json"


def request(model):
    return TrainingRequest(model, f"s3://scoreline-test-123456789012/datasets/{model}/", ADA)


@pytest.fixture
def stored(aws, settings):
    """The items as if they had been written just now."""
    soon = {"N": str(int(time.time()) + 3600)}
    for item in STORED["items"]:
        expiring = {n for n in ("lease_until", "due_until") if item.get(n, {"N": "0"})["N"] != "0"}
        boto3.client("dynamodb").put_item(
            TableName=settings.jobs_table, Item=item | dict.fromkeys(expiring, soon)
        )


@pytest.fixture
def start(stored, runs):
    return lambda name, message="m-1": runs.start(NAMES[name], request(name), Message(message))


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_job_is_shown_as_before(stored, jobs, name):
    assert jobs.get(NAMES[name]) == STORED["shown"][name]


@pytest.mark.parametrize("name", ["queued", "released", "unsent", "given-up"])
def test_a_stored_job_that_may_run_starts(start, jobs, name):
    run = start(name)

    assert (run.model, run.announced, run.trained_by) == (name, None, ADA)
    assert jobs.get(NAMES[name])["state"] == "running"


@pytest.mark.parametrize("name", ["succeeded", "superseded"])
def test_a_stored_job_that_has_ended_does_not_start(start, name):
    assert start(name) is None


@pytest.mark.parametrize("name", ["failed", "refused"])
def test_a_stored_job_that_has_failed_does_not_start(start, name):
    with pytest.raises(JobFailedError):
        start(name)


def test_a_stored_job_that_gave_up_does_not_start_by_the_same_message(start):
    with pytest.raises(JobFailedError):
        start("given-up", "5d2c9b1e-0000-4000-8000-000000000003")


@pytest.mark.parametrize("name", ["running", "claimed"])
def test_a_stored_job_that_runs_is_deferred(start, name):
    with pytest.raises(JobDeferredError, match="another run holds the job"):
        start(name)


def test_a_stored_lock_defers_another_job_of_the_model(stored, runs):
    with pytest.raises(JobDeferredError, match="another job of the model"):
        runs.start("another", request("running"), Message("m-1"))


def test_the_run_after_a_stored_one_knows_the_version_that_it_announced(start, settings):
    for key in (NAMES["claimed"], "model claimed"):
        job_table(settings).update_item(
            Key={"job": key},
            UpdateExpression="SET lease_until = :past",
            ExpressionAttributeValues={":past": 1},
        )

    run = start("claimed")

    assert run.announced == TrainingResult("20261121T004512Z-3fa9c1d2", 0.783457, "candidate")


def test_a_stored_sequencer_outdates_an_earlier_event(stored, runs):
    width = 64

    assert runs.is_outdated(MANIFEST, "00617F08299329D188".ljust(width, "0"))
    assert not runs.is_outdated(MANIFEST, "00617F08299329D18A".ljust(width, "0"))


def test_a_stored_message_asks_for_its_job():
    [job] = requested_jobs(STORED["message"])

    assert (job.id, job.request) == (NAMES["queued"], request("queued"))
