"""A deployment to benchmark: AWS as moto serves it, a champion, and requests for its routes."""

from __future__ import annotations

import json
import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from moto.server import ThreadedMotoServer

from scoreline.aws.registry import ModelRegistry
from scoreline.core.settings import Settings
from scoreline.core.versions import MODEL_FILE, Pointer, Routing, VersionRef, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from training.train import Bundle

SETTINGS = Settings.for_account("bench", "123456789012")
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "SCORELINE_STAGE": SETTINGS.stage,
    "SCORELINE_BUCKET": SETTINGS.bucket,
    "SCORELINE_POINTER_MAX_AGE_S": "3600",  # no request waits for AWS
}


@contextmanager
def deployed(model: str, bundle: Bundle, host: str = "127.0.0.1") -> Iterator[int]:
    """A moto server on which this version is the champion of the default model; its port."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(host, 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    os.environ |= {**ENVIRONMENT, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    boto3.client("s3").create_bucket(Bucket=SETTINGS.bucket)
    registry = ModelRegistry.connect(SETTINGS)
    registry.publish(model, bundle.version, bundle.files)
    champion = VersionRef(bundle.version, digest(bundle.files[MODEL_FILE]))
    registry.write_pointer(model, Pointer(champion))
    registry.write_routing(Routing(model, {}))
    yield port
    server.stop()


def request(application: Mapping[str, Any]) -> dict[str, Any]:
    """POST /predict as API Gateway sends it."""
    return {
        "resource": "/predict",
        "path": "/predict",
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json"},
        "pathParameters": None,
        "requestContext": {"resourcePath": "/predict", "httpMethod": "POST", "stage": "bench"},
        "body": json.dumps(application),
        "isBase64Encoded": False,
    }
