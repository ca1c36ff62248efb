"""The process that plays the callers of functions in AWS: the SQS event source and EventBridge."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from local import child, events
from local.environment import ACCOUNT, REGION, read_template
from local.runtime import invoke

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

    from local.template import Function

POLL_S = 20


def poll(sqs: SQSClient, queue: str, function: Function) -> None:
    """Receive one message, invoke the handler, and delete the message unless the handler failed.

    A message that is not deleted becomes visible again; after `maxReceiveCount` receives the queue
    moves it to the dead-letter queue.
    """
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    messages = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=1,
        WaitTimeSeconds=POLL_S,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
    ).get("Messages", [])
    if not messages:
        return
    outcome = invoke(function, {"Records": [to_record(message, queue) for message in messages]})
    failed = _failed(messages) if outcome.failed else _reported(outcome.answer)
    for message in messages:
        if message["MessageId"] not in failed:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def to_record(message: MessageTypeDef, queue: str) -> dict[str, Any]:
    """A message in the form of an SQS event's record."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": message.get("MessageAttributes", {}),
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
        "awsRegion": REGION,
    }


def main() -> None:
    """Poll until SIGTERM or the end of the parent; an unfinished message stays in the queue."""
    args = child.argument_parser(__doc__ or "").parse_args()
    child.log_warnings()
    child.end_with_parent(lambda: os._exit(0))
    template = read_template(args.template)
    [function] = (function for function in template.functions.values() if function.is_image)
    queue = template.queue_of(function)
    # a long poll must not run into the client's own time-out
    sqs = boto3.client("sqs", config=Config(read_timeout=POLL_S + 10))
    events.start(template)
    child.report_status(args.ready_fd, child.READY)
    while True:
        try:
            poll(sqs, queue, function)
        except BotoCoreError:  # AWS is stopping; the parent stops this process too
            time.sleep(1)


def _failed(messages: list[MessageTypeDef]) -> set[str]:
    return {message["MessageId"] for message in messages}


def _reported(answer: Any) -> set[str]:
    failures = (answer or {}).get("batchItemFailures") or []
    return {failure["itemIdentifier"] for failure in failures}


if __name__ == "__main__":
    main()
