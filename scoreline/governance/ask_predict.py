"""Asks predict whether a version loads where it will serve, and answers its golden rows."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from scoreline.aws.clients import aws_errors
from scoreline.core.errors import (
    RegistryUnavailableError,
    VersionNotFoundError,
    VersionRefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_lambda import LambdaClient

    from scoreline.core.settings import Settings

# A cold predict function and a large model take seconds; API Gateway waits for 29.
VERIFY_CONFIG = Config(connect_timeout=1, read_timeout=25, retries={"total_max_attempts": 1})
UNAVAILABLE_CODES = {RegistryUnavailableError.code, "pointer_invalid"}


def connect_verify(settings: Settings) -> Callable[[str, str], str]:
    """`verify_in_lambda` for the predict function of a deployment."""
    client = boto3.client("lambda", config=VERIFY_CONFIG)
    return partial(verify_in_lambda, client, settings.predict_function)


def verify_in_lambda(client: LambdaClient, function: str, model: str, version: str) -> str:
    """SHA-256 of the `model.onnx` that the predict function has loaded and tried.

    Raises
    ------
    VersionNotFoundError, VersionRefusedError
    RegistryUnavailableError
        Predict could not be asked, or could not reach S3: nothing is known of the version.
    """
    target = {"verify": {"model": model, "version": version}}
    with aws_errors("Lambda"):
        answer = client.invoke(FunctionName=function, Payload=json.dumps(target).encode())
        payload = answer["Payload"].read()
    if "FunctionError" in answer:
        raise VersionRefusedError(f"{version}: the predict function broke off while loading it")
    return _sha256(version, payload)


def _sha256(version: str, payload: bytes) -> str:
    try:
        answer = json.loads(payload)
        if answer.get("verified") is True:
            return str(answer["sha256"])
        code, message = str(answer["error"]["code"]), str(answer["error"]["message"])
    except (ValueError, TypeError, KeyError, AttributeError):
        raise VersionRefusedError(f"{version}: predict gave no verification") from None
    if code == VersionNotFoundError.code:
        raise VersionNotFoundError(message)
    if code in UNAVAILABLE_CODES:
        raise RegistryUnavailableError(f"predict could not verify {version}: {message}")
    raise VersionRefusedError(f"predict refuses {version}: {message}")
