"""Requests of API Gateway as proxy events, and their responses.

API Gateway has matched the route when the event arrives; a table finds its function.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from scoreline.core.errors import (
    MalformedRequestError,
    PayloadTooLargeError,
    RouteNotFoundError,
    ScorelineError,
)
from scoreline.core.log import log_unexpected

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
JSON_TYPE = "application/json"
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Request(NamedTuple):
    """A request as routes read it; the names of headers are in lower case."""

    path: Mapping[str, str]
    body: str
    caller: str
    headers: Mapping[str, str] = _NO_HEADERS

    @property
    def languages(self) -> list[str]:
        """Languages of the Accept-Language header, the best first, without their regions."""
        wanted = []
        for part in self.headers.get("accept-language", "").split(","):
            name, _, quality = part.strip().partition(";q=")
            try:
                wanted.append((-float(quality or 1), name.split("-")[0].lower()))
            except ValueError:
                continue
        return [name for _, name in sorted(wanted, key=lambda item: item[0]) if name]

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; anything else is a MalformedRequestError."""
        value = parse_json(self.body, "body")
        if not isinstance(value, dict):
            raise MalformedRequestError("the request is not a JSON object")
        return value


class Response(NamedTuple):
    """The answer of a route."""

    body: object
    status: int = 200
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = _NO_HEADERS

    def to_proxy(self) -> Mapping[str, object]:
        """The form that API Gateway's Lambda proxy integration takes.

        A PayloadTooLargeError in place of an answer that Lambda would not let through.
        """
        text = self.body if isinstance(self.body, str) else json.dumps(self.body, allow_nan=False)
        answer = {
            "statusCode": self.status,
            "headers": {"Content-Type": self.content_type, **self.headers},
            "body": text,
            "isBase64Encoded": False,
        }
        # Lambda sends the body as JSON text, which escapes a character by at most six.
        if 6 * len(text) > MAX_PAYLOAD_BYTES and len(json.dumps(answer)) > MAX_PAYLOAD_BYTES:
            raise PayloadTooLargeError(f"the answer is over {MAX_PAYLOAD_BYTES} bytes")
        return answer


Route = Callable[[Request], Response]


def parse_json(text: str, name: str) -> Any:
    """The value of a JSON text; a MalformedRequestError that calls it `name` otherwise.

    A key that is given twice is an error, because readers differ in which one counts.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError):
        raise MalformedRequestError(f"the {name} is not valid JSON") from None


def is_http(event: Any) -> bool:
    """Whether an event is a REST proxy event and not a direct invocation."""
    return isinstance(event, dict) and "httpMethod" in event and "resource" in event


def dispatch(
    routes: Mapping[tuple[str, str], Route], event: Mapping[str, Any]
) -> Mapping[str, object]:
    """Answer a REST proxy event; every error becomes a JSON body with its status."""
    try:
        route = routes.get((event["httpMethod"], event["resource"]))
        if route is None:
            raise RouteNotFoundError("no such route")
        return route(_request(event)).to_proxy()
    except ScorelineError as error:
        return error_response(error).to_proxy()
    except Exception as error:  # clients never get a stack trace, and logs never a value
        log_unexpected(error)
        return error_response(ScorelineError("internal error")).to_proxy()


def answer_directly(answer: Callable[[], Mapping[str, object]]) -> Mapping[str, object]:
    """The answer to a direct invocation; every error becomes JSON, as in `dispatch`."""
    try:
        return answer()
    except ScorelineError as error:
        return error.to_json()
    except Exception as error:
        log_unexpected(error)
        return ScorelineError("internal error").to_json()


def error_response(error: ScorelineError) -> Response:
    """The response of an error."""
    return Response(error.to_json(), error.status)


def _request(event: Mapping[str, Any]) -> Request:
    body = event.get("body") or ""
    if len(body.encode(errors="surrogatepass")) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLargeError(f"the body is over {MAX_PAYLOAD_BYTES} bytes")
    if event.get("isBase64Encoded"):
        try:
            body = base64.b64decode(body, validate=True).decode()
        except ValueError:  # neither base64 nor UTF-8
            raise MalformedRequestError("the body is not UTF-8 text") from None
    identity = (event.get("requestContext") or {}).get("identity") or {}
    caller = identity.get("userArn") or identity.get("apiKeyId") or "anonymous"
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return Request(event.get("pathParameters") or {}, body, caller, headers)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("duplicate key")
    return value
