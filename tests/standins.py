"""Handlers that stand in for the real ones in a stack: most train and promote nothing."""

import json
import os
import time
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3

from scoreline.aws.registry import ModelRegistry
from scoreline.core.settings import Settings

AUTOMATIC = """
promotion = "automatic"
watch = { minutes = 0.3, min_decisions = 20 }
gates = { min_auc = 0.5 }
"""


def predict(event, context):
    if event == {"fail": True}:
        raise ValueError("asked to fail")
    return {"echo": event, "function": context.function_name}


def http(event, _context):
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(event),
    }


def train(event, context):
    """Keep the event in a file; a message with the word `fail` fails, and `hang` takes minutes."""
    seen = Path(os.environ["STANDIN_DIR"]) / f"{time.time_ns()}-{uuid.uuid4().hex}.json"
    seen.write_text(json.dumps(event))
    if "hang" in seen.read_text():
        time.sleep(300)
    if "Records" not in event:
        return {"pid": os.getpid(), "remaining_ms": context.get_remaining_time_in_millis()}
    failed = [record for record in event["Records"] if "fail" in record["body"]]
    for record in failed:
        sqs = boto3.client("sqs")
        url = sqs.get_queue_url(QueueName=record["eventSourceARN"].split(":")[-1])["QueueUrl"]
        sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=0
        )
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


def train_sample(event, _context):
    """The real train function of one more model, whose versions are promoted by themselves."""
    from functions.train.handler import handle
    from functions.train.trainer import Trainer
    from tests import sample

    text = AUTOMATIC + sample.with_algorithm("logistic_regression")
    with TemporaryDirectory() as folder:
        definition = sample.definition(Path(folder), text)
        registry = ModelRegistry.connect(Settings.from_env())
        return handle(event, Trainer(registry, lambda _registry, _model: definition))
