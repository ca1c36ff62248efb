"""A train function that is really killed, and the second delivery of its message."""

import os
import signal
import subprocess
import sys
import time

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from cli.seed_data import DEMO_MODEL, german_credit
from local.template import ROOT
from scoreline.aws.registry import ModelRegistry
from scoreline.jobs.jobs import Jobs
from tests import support
from tests.functional.train.conftest import body_of, job_table

pytestmark = pytest.mark.slow

MODEL = "german-credit"
JOB = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"


@pytest.fixture(scope="module")
def server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def queue(server, settings, monkeypatch):
    """The URL of the queue, in a separate moto server."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    httpx.post(f"{server}/moto-api/reset").raise_for_status()
    support.create_resources(settings)
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=settings.train_queue)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    return url


def start(**variables):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.killable"],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process):
    process.communicate(timeout=120)
    return process.returncode


def let_leases_end(settings):
    for key in (JOB, f"model {MODEL}"):
        job_table(settings).update_item(
            Key={"job": key},
            UpdateExpression="SET lease_until = :then",
            ExpressionAttributeValues={":then": int(time.time()) - 1},
        )


def send(queue, load_event):
    boto3.client("sqs").send_message(
        QueueUrl=queue, MessageBody=body_of(load_event("sqs-train-job"))
    )


def left_in(queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
    return sum(int(number) for number in found["Attributes"].values())


@pytest.mark.parametrize(
    ("moment", "published"),
    [
        ("train 1", 0),
        ("before-call.s3.PutObject 1", 0),
        ("before-call.s3.PutObject 2", 0),
        ("before-call.s3.PutObject 4", 0),
        ("after-call.s3.PutObject 4", 1),
        ("after-call.dynamodb.UpdateItem 2", 1),
        ("before-call.sqs.DeleteMessage 1", 1),
    ],
)
def test_a_killed_function_leaves_no_half_version_and_the_retry_completes(
    queue, settings, load_event, moment, published
):
    registry = ModelRegistry.connect(settings)
    send(queue, load_event)

    killed = finish(start(KILL_AT=moment))
    after_kill = registry.versions(MODEL)
    let_leases_end(settings)
    retried = finish(start())

    job = Jobs.connect(settings).get(JOB)
    assert (killed, retried) == (-signal.SIGKILL, 0)
    assert len(after_kill) == published
    assert registry.versions(MODEL) == [job["model_name"]]
    assert after_kill in ([], [job["model_name"]])
    assert job["state"] == "succeeded"
    assert left_in(queue) == 0


def test_real_training_that_is_killed_is_completed_by_the_retry(queue, settings, load_event):
    boto3.client("s3").put_object(
        Bucket=settings.bucket, Key=f"datasets/{DEMO_MODEL}/data.csv", Body=german_credit()
    )
    registry = ModelRegistry.connect(settings)
    send(queue, load_event)

    process = start(REAL="1")
    for line in process.stdout:
        if "parity gate" in line:
            process.kill()
            break
    killed = finish(process)
    after_kill = registry.versions(MODEL)
    let_leases_end(settings)
    retried = finish(start(REAL="1"))

    job = Jobs.connect(settings).get(JOB)
    assert (killed, retried, after_kill) == (-signal.SIGKILL, 0, [])
    assert registry.versions(MODEL) == [job["model_name"]]
    assert job["score"] == pytest.approx(0.81, abs=0.02)
