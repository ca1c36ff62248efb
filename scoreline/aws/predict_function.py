"""The predict function, which admin asks to verify versions and to describe champions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config

from scoreline.aws.clients import aws_errors
from scoreline.core.errors import (
    RegistryUnavailableError,
    VersionNotFoundError,
    VersionRefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        payload = self._invoke({"verify": {"model": model, "version": version}})
        if payload is None:
            raise VersionRefusedError(f"{version}: the predict function crashed while loading it")
        return _verified_digest(version, payload)

    def application_schema(self, model: str) -> dict[str, Any] | None:
        """JSON Schema of an application for a model; None where its champion does not load."""
        path = "/models/{model}/schema"
        event = {"httpMethod": "GET", "resource": path, "pathParameters": {"model": model}}
        answer = json.loads(self._invoke(event) or b"{}")
        return json.loads(answer["body"]) if answer.get("statusCode") == 200 else None

    def _invoke(self, event: Mapping[str, Any]) -> bytes | None:
        """The answer to an event; None where the function crashed."""
        with aws_errors("Lambda"):
            answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event).encode())
            payload = answer["Payload"].read()
        return None if "FunctionError" in answer else payload


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
