"""Requests of API Gateway as proxy events, and their responses.

API Gateway has matched the route when the event arrives; a table finds its function.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

from scoreline.core.errors import (
    MAX_FIELDS,
    FieldError,
    InvalidRequestError,
    MalformedRequestError,
    PayloadTooLargeError,
    RouteNotFoundError,
    ScorelineError,
    shown_name,
)
from scoreline.core.log import log_unexpected

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
JSON_TYPE = "application/json"
_GZIP = "H4sI"  # base64 of the first three bytes of every gzip file
_FORM = re.compile(r"[\w.%+-]+=")
_WEIGHT = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Request(NamedTuple):
    """A request as routes read it; the names of headers are in lower case."""

    path: Mapping[str, str]
    body: str
    caller: str
    headers: Mapping[str, str] = _NO_HEADERS

    @property
    def languages(self) -> list[str]:
        """Languages of the Accept-Language header, the best first, without their regions.

        See RFC 9110, section 12.5.4; a weight of 0 means that a language is not wanted.
        """
        wanted = []
        for part in self.headers.get("accept-language", "").split(","):
            tag, *parameters = (text.strip().lower() for text in part.split(";"))
            weight = next((_weight(text[2:]) for text in parameters if text.startswith("q=")), 1)
            if tag and weight:
                wanted.append((-weight, tag.replace("_", "-").partition("-")[0]))
        return [name for _, name in sorted(wanted, key=lambda item: item[0])]

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
        return within_limit(answer) if 6 * len(text) > MAX_PAYLOAD_BYTES else answer


Route = Callable[[Request], Response]


def within_limit[A: Mapping[str, object]](answer: A) -> A:
    """The answer; a PayloadTooLargeError if Lambda would not let it through."""
    if len(json.dumps(answer)) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLargeError(f"the answer is over {MAX_PAYLOAD_BYTES} bytes")
    return answer


def parse_json(text: str, name: str) -> Any:
    """The value of a JSON text; a MalformedRequestError that calls it `name` otherwise.

    A key that is given twice is an error, because readers differ in which one counts.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        raise MalformedRequestError(f"the {name} is not valid JSON{_cause(text, error)}") from None


def _cause(text: str, error: ValueError | RecursionError) -> str:
    """Why a text is not JSON, as far as that is known."""
    if text.startswith("\ufeff"):
        return ": it starts with a byte order mark"
    if text.startswith(_GZIP):
        return ": it is compressed"
    if _FORM.match(text):
        return ": it is form data"
    if isinstance(error, json.JSONDecodeError):
        return f" from line {error.lineno}, column {error.colno} on"
    if isinstance(error, RecursionError):
        return ": it is nested too deep"
    return f": {error}" if isinstance(error, _DuplicateKeyError) else ": a number is too long"


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
            is_gzip = body.startswith(_GZIP)
            problem = "compressed, which is not supported" if is_gzip else "not UTF-8 text"
            raise MalformedRequestError(f"the body is {problem}") from None
    unknown = tuple(
        FieldError(shown_name(name), "is not a query parameter of this route")
        for name in islice(event.get("queryStringParameters") or {}, MAX_FIELDS + 1)
    )
    if unknown:
        raise InvalidRequestError("the address has query parameters, which no route takes", unknown)
    identity = (event.get("requestContext") or {}).get("identity") or {}
    caller = identity.get("userArn") or identity.get("apiKeyId") or "anonymous"
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return Request(event.get("pathParameters") or {}, body, caller, headers)


class _DuplicateKeyError(ValueError):
    """A key is given twice."""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _DuplicateKeyError("a key is given twice")
    return value


def _weight(text: str) -> float:
    """The weight of a language, from 0 to 1; a malformed weight counts as 0."""
    return float(text) if _WEIGHT.fullmatch(text) else 0.0
