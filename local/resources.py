"""The AWS resources of Scoreline, created in moto from `template.yaml`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import boto3

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

    from local.template import Function, Template

NOT_QUEUE_ATTRIBUTES = {"QueueName"}
RETRY_S = "10"  # Lambda retries after a minute
TABLE_ARGUMENTS = ("TableName", "BillingMode", "AttributeDefinitions", "KeySchema")


@dataclass(frozen=True)
class Aws:
    """Clients of the services that the stack sets up and saves."""

    s3: S3Client
    ssm: SSMClient
    dynamodb: DynamoDBClient
    sqs: SQSClient
    events: EventBridgeClient

    @classmethod
    def connect(cls) -> Self:
        """Clients of the endpoint that the environment names."""
        return cls(
            boto3.client("s3"),
            boto3.client("ssm"),
            boto3.client("dynamodb"),
            boto3.client("sqs"),
            boto3.client("events"),
        )


def create_stores(template: Template, aws: Aws) -> None:
    """Create bucket, parameters, tables and queues; the bucket sends no events yet."""
    for bucket in template.resources("AWS::S3::Bucket").values():
        aws.s3.create_bucket(Bucket=bucket["BucketName"])
        aws.s3.put_bucket_versioning(
            Bucket=bucket["BucketName"],
            VersioningConfiguration=bucket["VersioningConfiguration"],
        )
    for parameter in template.resources("AWS::SSM::Parameter").values():
        aws.ssm.put_parameter(**parameter)
    for table in template.resources("AWS::DynamoDB::Table").values():
        aws.dynamodb.create_table(**{name: table[name] for name in TABLE_ARGUMENTS})
    queues = template.resources("AWS::SQS::Queue").values()
    # a queue can name a dead-letter queue only once that exists
    for queue in sorted(queues, key=lambda queue: "RedrivePolicy" in queue):
        aws.sqs.create_queue(QueueName=queue["QueueName"], Attributes=_queue_attributes(queue))
    for function, _ in template.events("EventBridgeRule"):
        aws.sqs.create_queue(
            QueueName=event_queue(function), Attributes={"VisibilityTimeout": RETRY_S}
        )


def event_queue(function: Function) -> str:
    """Name of the queue between EventBridge and a function in the local stack."""
    return f"{function.name}-events"


def connect_events(template: Template, aws: Aws) -> None:
    """Send an event to a rule's queue for each object that matches the rule."""
    for function, rule in template.events("EventBridgeRule"):
        arn = f"arn:aws:sqs:{template.region}:{template.account}:{event_queue(function)}"
        aws.events.put_rule(Name=rule["RuleName"], EventPattern=json.dumps(rule["Pattern"]))
        aws.events.put_targets(Rule=rule["RuleName"], Targets=[{"Id": "function", "Arn": arn}])
    for rule in template.resources("AWS::Events::Rule").values():
        aws.events.put_rule(
            Name=rule["Name"],
            Description=rule["Description"],
            EventPattern=json.dumps(rule["EventPattern"]),
        )
        aws.events.put_targets(Rule=rule["Name"], Targets=rule["Targets"])
    for bucket in template.resources("AWS::S3::Bucket").values():
        aws.s3.put_bucket_notification_configuration(
            Bucket=bucket["BucketName"],
            NotificationConfiguration={"EventBridgeConfiguration": {}},
        )


def _queue_attributes(queue: dict[str, Any]) -> dict[Any, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in queue.items()
        if name not in NOT_QUEUE_ATTRIBUTES
    }
