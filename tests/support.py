"""What fixtures are made of: AWS resources as `template.yaml` names them, and requests."""

import json
import os
from functools import cache
from pathlib import Path

import boto3

from scoreline.aws.train_queue import MAX_RECEIVES

ACCOUNT, REGION = "123456789012", "us-east-1"  # moto's own account
EVENTS = Path(__file__).parents[1] / "events"


def client(service):
    """A client of the AWS that the environment names, made once in a process for each."""
    return _client(service, os.environ.get("AWS_ENDPOINT_URL"))


@cache
def _client(service, endpoint_url):
    return boto3.client(service, REGION, endpoint_url=endpoint_url)


def create_resources(settings):
    """Bucket, tables, queues and routing of a deployment."""
    s3, sqs, dynamodb = (client(name) for name in ("s3", "sqs", "dynamodb"))
    s3.create_bucket(Bucket=settings.bucket)
    s3.put_bucket_versioning(Bucket=settings.bucket, VersioningConfiguration={"Status": "Enabled"})
    _create_table(dynamodb, settings.ledger_table, "model", "entry")
    _create_table(dynamodb, settings.jobs_table, "job")
    _create_table(dynamodb, settings.features_table, "customer", "pipeline")
    _create_table(dynamodb, settings.watches_table, "model", "entry")
    dead = sqs.create_queue(QueueName=f"{settings.train_queue}-dead-letter")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]
    redrive = {"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": MAX_RECEIVES}
    sqs.create_queue(
        QueueName=settings.train_queue,
        Attributes={"RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": "5400"},
    )
    client("ssm").put_parameter(
        Name=settings.routing_parameter,
        Value=json.dumps({"default": "loan-risk", "banks": {"north": "credit-card"}}),
        Type="String",
    )


def _create_table(dynamodb, name, *keys):
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
    )


def load_event(name):
    """An event of `events/`, by its file's name with or without .json."""
    return json.loads((EVENTS / f"{name.removesuffix('.json')}.json").read_text())


def rest_event(method, resource, path_params=None, body=None, headers=None):
    """A REST proxy event as API Gateway sends it; a body that is no string is sent as JSON."""
    path = resource.format(**(path_params or {}))
    text = body if body is None or isinstance(body, str) else json.dumps(body)
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": {"Content-Type": "application/json", **(headers or {})},
        "queryStringParameters": None,
        "pathParameters": path_params,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "a1b2c3d4e5",
            "httpMethod": method,
            "identity": {
                "sourceIp": "192.0.2.10",
                "userArn": f"arn:aws:iam::{ACCOUNT}:user/ada.example",
            },
            "path": f"/test{path}",
            "protocol": "HTTP/1.1",
            "requestId": "5d2c9b1e-0000-4000-8000-000000000001",
            "resourcePath": resource,
            "stage": "test",
        },
        "body": text,
        "isBase64Encoded": False,
    }
