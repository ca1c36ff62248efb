import json
import time
from types import SimpleNamespace

import boto3
import pytest

from functions.train.handler import handle, worker
from functions.train.trainer import Trainer
from scoreline.aws.registry import ModelRegistry
from scoreline.aws.train_queue import MAX_RECEIVES
from scoreline.jobs.jobs import Jobs
from scoreline.jobs.messages import requested_jobs
from scoreline.jobs.runs import Runs

VERSION = "20261121T004512Z-3fa9c1d2"


class FakeTraining:
    """Replaces the training package: records its calls and raises the given problems."""

    def __init__(self):
        self.asked = []
        self.trained_by = []
        self.problems = []
        self.status = "candidate"
        self.meanwhile = lambda: None

    def load_definition(self, registry, model):
        return SimpleNamespace(name=model, dataset="datasets/its-own/")

    def train(self, definition, dataset_path, *, trained_by, incumbents, progress):
        self.asked.append((definition.name, dataset_path))
        self.trained_by.append(trained_by)
        self.meanwhile()
        progress("fitting")
        if self.problems:
            raise self.problems.pop(0)
        second = len(self.asked)
        version = f"20261121T0045{second:02}Z-3fa9c1d2"
        files = {"manifest.json": b"{}"}
        return SimpleNamespace(version=version, files=files, score=0.79, status=self.status)


@pytest.fixture
def training():
    return FakeTraining()


@pytest.fixture
def jobs(aws, settings):
    return Jobs.connect(settings)


@pytest.fixture
def runs(aws, settings):
    return Runs.connect(settings)


@pytest.fixture
def invoke(aws, settings, training):
    """The handler, with the fake in place of the training package."""
    registry = ModelRegistry.connect(settings)
    trainer = Trainer(registry, training.load_definition, training.train)
    return lambda event: handle(event, trainer)


class SourceMapping:
    """Acts as Lambda's event source mapping: receives, invokes, deletes what is done."""

    def __init__(self, settings, invoke):
        self.sqs, self.invoke = boto3.client("sqs"), invoke
        self.url = self.sqs.get_queue_url(QueueName=settings.train_queue)["QueueUrl"]
        dead = f"{settings.train_queue}-dead-letter"
        self.dead_url = self.sqs.get_queue_url(QueueName=dead)["QueueUrl"]

    def send(self, body):
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def poll(self):
        """Poll once; returns the number of messages received."""
        received = self.sqs.receive_message(
            QueueUrl=self.url, AttributeNames=["All"], MaxNumberOfMessages=10
        ).get("Messages", [])
        for message in received:
            record = {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "eventSource": "aws:sqs",
            }
            if not self.invoke({"Records": [record]})["batchItemFailures"]:
                handle = message["ReceiptHandle"]
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=handle)
        return len(received)

    def purge(self):
        self.sqs.purge_queue(QueueUrl=self.url)

    def dead(self):
        """Messages in the dead-letter queue."""
        return self.sqs.receive_message(QueueUrl=self.dead_url).get("Messages", [])

    def waiting(self):
        """The numbers of visible, hidden and dead messages."""

        def count(url, name):
            name = f"ApproximateNumberOfMessages{name}"
            answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
            return int(answer["Attributes"][name])

        return count(self.url, ""), count(self.url, "NotVisible"), count(self.dead_url, "")


@pytest.fixture
def mapping(settings, invoke):
    return SourceMapping(settings, invoke)


@pytest.fixture
def hidden_for(aws, invoke):
    """Invoke with an event and return the visibility timeouts that its messages were given."""
    return asked_of("ChangeMessageVisibility", "VisibilityTimeout", invoke)


@pytest.fixture
def copied_for(aws, invoke):
    """Invoke with an event and return the delays of the copies that were sent of its messages."""
    return asked_of("SendMessage", "DelaySeconds", invoke)


def asked_of(operation, parameter, invoke):
    def ask(event):
        asked = []
        hook = f"provide-client-params.sqs.{operation}"

        def note(params, **_):
            asked.append(params[parameter])

        events = worker().queue.sqs.meta.events
        events.register(hook, note)
        invoke(event)
        events.unregister(hook, note)
        return asked

    return ask


def body_of(event):
    return event["Records"][0]["body"]


def job_table(settings):
    return boto3.resource("dynamodb").Table(settings.jobs_table)


@pytest.fixture
def job(load_event):
    return json.loads(body_of(load_event("sqs-train-job")))["job"]


def job_of(event):
    [requested] = requested_jobs(body_of(event))
    return requested.id


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
