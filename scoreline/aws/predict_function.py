"""The predict function, which admin asks to verify a version before it serves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config

from scoreline.aws.clients import aws_errors
from scoreline.core.errors import (
    RegistryUnavailableError,
    VersionNotFoundError,
    VersionRefusedError,
)

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

    from scoreline.core.settings import Settings

# A cold predict function with a large model takes seconds; API Gateway waits at most 29 s.
VERIFY_CONFIG = Config(connect_timeout=1, read_timeout=25, retries={"total_max_attempts": 1})
UNAVAILABLE_CODES = {RegistryUnavailableError.code, "pointer_invalid"}


@dataclass(frozen=True, slots=True)
class PredictFunction:
    """The predict function of a deployment."""

    client: LambdaClient
    name: str

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Connect with the credentials and the region of the environment."""
        return cls(boto3.client("lambda", config=VERIFY_CONFIG), settings.predict_function)

    def verify(self, model: str, version: str) -> str:
        """Let predict load a version and answer its golden rows.

        Returns
        -------
        SHA-256 of the `model.onnx` that predict has loaded, in hex

        Raises
        ------
        VersionNotFoundError, VersionRefusedError
        RegistryUnavailableError
            Predict did not answer or could not reach S3; the version may still be good.
        """
        target = {"verify": {"model": model, "version": version}}
        with aws_errors("Lambda"):
            answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps(target).encode())
            payload = answer["Payload"].read()
        if "FunctionError" in answer:
            raise VersionRefusedError(f"{version}: the predict function crashed while loading it")
        return _verified_digest(version, payload)


def _verified_digest(version: str, payload: bytes) -> str:
    try:
        answer = json.loads(payload)
        if answer.get("verified") is True:
            return str(answer["sha256"])
        code, message = str(answer["error"]["code"]), str(answer["error"]["message"])
    except (ValueError, TypeError, KeyError, AttributeError):
        problem = "the predict function's answer is not a verification"
        raise VersionRefusedError(f"{version}: {problem}") from None
    if code == VersionNotFoundError.code:
        raise VersionNotFoundError(message)
    if code in UNAVAILABLE_CODES:
        raise RegistryUnavailableError(f"predict could not verify {version}: {message}")
    raise VersionRefusedError(f"predict refuses {version}: {message}")
