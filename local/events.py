"""Plays EventBridge: delivers events and schedules to the functions that it invokes."""

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
    from collections.abc import Callable

    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

    from local.template import Function, Template

POLL_S = 1.0
SCHEDULE_S = 5.0  # a minute in AWS, shortened like the age of pointers
SCHEDULED = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
MAX_RECEIVES = 3  # Lambda invokes a function up to three times for an event


def deliver(sqs: SQSClient, functions: LambdaClient, function: Function) -> None:
    """Invoke a function with each of its waiting events; a failed one is delivered again later."""
    url = sqs.get_queue_url(QueueName=event_queue(function))["QueueUrl"]
    messages = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    ).get("Messages", [])
    for message in messages:
        succeeded = invoke(functions, function, json.loads(message["Body"]))
        receives = int(message["Attributes"]["ApproximateReceiveCount"])
        if succeeded or receives >= MAX_RECEIVES:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def invoke(functions: LambdaClient, function: Function, event: Any) -> bool:
    """Invoke a function; whether it succeeded."""
    answer = functions.invoke(FunctionName=function.name, Payload=json.dumps(event))
    return "FunctionError" not in answer


def start(template: Template) -> None:
    """Deliver events from now on, in threads of this process."""
    sqs, functions = boto3.client("sqs"), boto3.client("lambda")
    for function, _ in template.events("EventBridgeRule"):
        _repeat_in_thread(POLL_S, deliver, sqs, functions, function)
    for function, _ in template.events("Schedule"):
        _repeat_in_thread(SCHEDULE_S, invoke, functions, function, SCHEDULED)


def _repeat_in_thread[**P](
    seconds: float, action: Callable[P, object], *arguments: P.args, **options: P.kwargs
) -> None:
    def repeat() -> None:
        while True:
            with suppress(BotoCoreError, ClientError):  # AWS or the front is starting or stopping
                action(*arguments, **options)
            time.sleep(seconds)

    threading.Thread(target=repeat, daemon=True).start()
