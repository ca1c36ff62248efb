"""The few AWS calls of the predict function, without boto3.

It reads parameters, objects and items, and adds to counts.
"""

from __future__ import annotations

import json
import os
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from scoreline.aws.attributes import plain, typed
from scoreline.aws.light.connection import READ_TIMEOUT_S, Connection
from scoreline.aws.light.credentials import from_environment
from scoreline.aws.light.sigv4 import HttpRequest, signed_headers
from scoreline.core.errors import RegistryUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scoreline.aws.light.connection import Answer
    from scoreline.aws.light.sigv4 import Credentials

ATTEMPTS = 2
RETRY_AFTER_S = 0.1  # a scoring request waits for it
THROTTLED = r"Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|ThroughputExceeded"
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


class LightClient:
    """A client for SSM, S3 and DynamoDB that keeps one connection open to each."""

    def __init__(
        self,
        region: str,
        credentials: Callable[[], Credentials],
        endpoint: str = "",
        timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        """Create a client; connections are opened by the first request.

        Parameters
        ----------
        credentials : called for each request, because temporary credentials expire
        endpoint : URL of all services; without it, each service's URL in the region
        timeout_s : the longest wait for an answer
        """
        self._region = region
        self._credentials = credentials
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._connections: dict[str, Connection] = {}

    @classmethod
    def connect(
        cls, environ: Mapping[str, str] = os.environ, timeout_s: float = READ_TIMEOUT_S
    ) -> Self:
        """Take region, credentials and endpoint from the same variables as boto3."""
        region, endpoint = environ["AWS_DEFAULT_REGION"], environ.get("AWS_ENDPOINT_URL", "")
        return cls(region, from_environment(environ), endpoint, timeout_s)

    def get_parameter(self, name: str) -> str | None:
        """The value of an SSM parameter; None where it does not exist."""
        answer = self._call("SSM", "AmazonSSM.GetParameter", "1.1", {"Name": name})
        if answer.code == "ParameterNotFound":
            return None
        return str(_content("SSM", answer)["Parameter"]["Value"])

    def get_item(self, table: str, key: Mapping[str, str]) -> dict[str, Any]:
        """The item of a key with plain values; {} where there is no item."""
        body = {"TableName": table, "Key": typed(key)}
        answer = self._call("DynamoDB", "DynamoDB_20120810.GetItem", "1.0", body)
        item = _content("DynamoDB", answer).get("Item", {})
        return {name: plain(value) for name, value in item.items()}

    def add(self, table: str, key: Mapping[str, str], amounts: Mapping[str, int]) -> None:
        """Add to the numbers of an item; a missing number or item counts as 0.

        After an error, the amounts may have been added or not.
        """
        # Names such as "champion 0" are not identifiers, so expressions need placeholders.
        numbered = list(enumerate(amounts.items()))
        body = {
            "TableName": table,
            "Key": typed(key),
            "UpdateExpression": "ADD " + ", ".join(f"#{i} :{i}" for i, _ in numbered),
            "ExpressionAttributeNames": {f"#{i}": name for i, (name, _) in numbered},
            "ExpressionAttributeValues": {f":{i}": {"N": str(n)} for i, (_, n) in numbered},
        }
        _content("DynamoDB", self._call("DynamoDB", "DynamoDB_20120810.UpdateItem", "1.0", body))

    def get_object(self, bucket: str, key: str) -> bytes | None:
        """The content of an S3 object; None where it does not exist."""
        path = "/" + percent_encoded(key)
        # AWS wants the bucket in the host name, moto in the path.
        if self._endpoint:
            answer = self._send("S3", self._endpoint, "GET", f"/{bucket}{path}", {})
        else:
            answer = self._send("S3", self._url(f"{bucket}.s3"), "GET", path, {})
        if answer.code == "NoSuchKey":
            return None
        return _checked("S3", answer).body

    def forget_connections(self) -> None:
        """Close every connection; none survives a SnapStart restore."""
        for connection in self._connections.values():
            connection.close()

    def _url(self, name: str) -> str:
        suffix = ".cn" if self._region.startswith("cn-") else ""
        return self._endpoint or f"https://{name}.{self._region}.amazonaws.com{suffix}"

    def _call(self, service: str, target: str, version: str, body: Mapping[str, Any]) -> Answer:
        """The answer of a service with a JSON protocol."""
        headers = {"Content-Type": f"application/x-amz-json-{version}", "X-Amz-Target": target}
        url = self._url(service.lower())
        return self._send(service, url, "POST", "/", headers, json.dumps(body).encode())

    def _send(
        self,
        service: str,
        url: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> Answer:
        """The answer of a service; the request is repeated once after a transient error."""
        connection = self._connections.setdefault(url, Connection(url, self._timeout_s))
        request = HttpRequest(method, connection.host, path, headers, body)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = connection.send(method, path, self._signed(request, service), body)
            except (OSError, ValueError) as error:
                if attempt == ATTEMPTS:
                    problem = f"{service}: {type(error).__name__}"
                    raise RegistryUnavailableError(problem) from error
                continue
            if attempt < ATTEMPTS and (answer.status >= 500 or re.search(THROTTLED, answer.code)):
                time.sleep(RETRY_AFTER_S)
                continue
            return answer
        raise AssertionError("the last attempt answers or raises")

    def _signed(self, request: HttpRequest, service: str) -> dict[str, str]:
        return signed_headers(
            request,
            self._credentials(),
            service=service.lower(),
            region=self._region,
            at=datetime.now(UTC),
        )


def percent_encoded(key: str) -> str:
    """The path of an object's key, encoded as the signature requires.

    Examples
    --------
    >>> percent_encoded("datasets/größe 1+.csv")
    'datasets/gr%C3%B6%C3%9Fe%201%2B.csv'
    """
    return "".join(chr(b) if b in UNRESERVED else f"%{b:02X}" for b in key.encode())


def _checked(service: str, answer: Answer) -> Answer:
    if answer.status != 200:
        problem = answer.code or f"status {answer.status}"
        raise RegistryUnavailableError(f"{service} answered {problem}")
    return answer


def _content(service: str, answer: Answer) -> Any:
    try:
        return json.loads(_checked(service, answer).body)
    except ValueError:
        raise RegistryUnavailableError(f"{service} answered no JSON") from None
