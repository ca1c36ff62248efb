"""Plays EventBridge before the functions that it calls."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.resources import event_queue

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

    from local.template import Function, Template

POLL_S = 1.0
SCHEDULE_S = 5.0  # stands for a minute, as the local pointers' 2 s do
SCHEDULED = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
MAX_RECEIVES = 3  # Lambda tries an event three times


def deliver(sqs: SQSClient, functions: LambdaClient, function: Function) -> None:
    """Invoke a function with each event that waits for it; one that fails comes again later."""
    url = sqs.get_queue_url(QueueName=event_queue(function))["QueueUrl"]
    messages = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    ).get("Messages", [])
    for message in messages:
        done = invoke(functions, function, json.loads(message["Body"]))
        receives = int(message["Attributes"]["ApproximateReceiveCount"])
        if done or receives >= MAX_RECEIVES:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def invoke(functions: LambdaClient, function: Function, event: Any) -> bool:
    """Invoke a function; whether it has not failed."""
    answer = functions.invoke(FunctionName=function.name, Payload=json.dumps(event))
    return "FunctionError" not in answer


def start(template: Template) -> None:
    """Deliver events from now on, beside whatever else this process does."""
    sqs, functions = boto3.client("sqs"), boto3.client("lambda")
    for function, _ in template.events("EventBridgeRule"):
        again = (POLL_S, deliver, sqs, functions, function)
        threading.Thread(target=_repeat, args=again, daemon=True).start()
    for function, _ in template.events("Schedule"):
        again = (SCHEDULE_S, invoke, functions, function, SCHEDULED)
        threading.Thread(target=_repeat, args=again, daemon=True).start()


def _repeat(seconds: float, action: Any, *arguments: Any) -> None:
    while True:
        with suppress(BotoCoreError, ClientError):  # AWS or the front is starting or stopping
            action(*arguments)
        time.sleep(seconds)
