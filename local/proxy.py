"""Translates HTTP requests to REST proxy events and back, as API Gateway does."""

from __future__ import annotations

import base64
import re
import time
import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from local.environment import ACCOUNT, STAGE, user_arn
from scoreline.api.http import MAX_PAYLOAD_BYTES

if TYPE_CHECKING:
    from starlette.datastructures import Headers, QueryParams
    from starlette.requests import Request

    from local.template import Route


class BodyTooLargeError(Exception):
    """The body is larger than a synchronous invocation takes."""


def error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """An error in the form that the functions use."""
    content = {"error": {"code": code, "message": message, "fields": []}}
    return JSONResponse(content, status, headers)


async def read_body(request: Request) -> bytes:
    """The body; a BodyTooLargeError as soon as it is too large."""
    body = bytearray()
    if int(request.headers.get("content-length", 0)) > MAX_PAYLOAD_BYTES:
        raise BodyTooLargeError
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_PAYLOAD_BYTES:
            raise BodyTooLargeError
    return bytes(body)


def to_event(request: Request, route: Route, body: bytes) -> dict[str, Any]:
    """The event that API Gateway's REST proxy integration sends to a function."""
    text, is_base64 = _text(body)
    return {
        "resource": route.path,
        "path": request.url.path,
        "httpMethod": request.method,
        **_single_and_multi("headers", "multiValueHeaders", request.headers, str.title),
        **_single_and_multi(
            "queryStringParameters", "multiValueQueryStringParameters", request.query_params, str
        ),
        "pathParameters": dict(request.path_params) or None,
        "stageVariables": None,
        "requestContext": _request_context(request, route),
        "body": text,
        "isBase64Encoded": is_base64,
    }


def to_response(answer: Any, request_id: str) -> Response:
    """The HTTP response of a function's proxy answer; 502 if it is not a proxy answer."""
    try:
        body = answer.get("body") or ""
        content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        response = Response(content, int(answer["statusCode"]))
        for name, value in (answer.get("headers") or {}).items():
            response.headers[name] = str(value)
        for name, values in (answer.get("multiValueHeaders") or {}).items():
            for value in values:
                response.headers.append(name, str(value))
    except (AttributeError, KeyError, TypeError, ValueError):
        return error(502, "internal_error", "the function's answer is not a proxy response")
    response.headers["X-Amzn-RequestId"] = request_id
    return response


def _text(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


def _single_and_multi(
    single: str, multi: str, pairs: Headers | QueryParams, spell: type[str] | Any
) -> dict[str, Any]:
    values: dict[str, list[str]] = {}
    items = pairs.multi_items() if hasattr(pairs, "multi_items") else pairs.items()
    for name, value in items:
        values.setdefault(spell(name), []).append(value)
    if not values:
        return {single: None, multi: None}
    return {single: {name: found[-1] for name, found in values.items()}, multi: values}


def _request_context(request: Request, route: Route) -> dict[str, Any]:
    now = time.time()
    return {
        "accountId": ACCOUNT,
        "apiId": "local",
        "domainName": request.url.netloc,
        "extendedRequestId": uuid.uuid4().hex[:16],
        "httpMethod": request.method,
        "identity": {
            "sourceIp": request.client.host if request.client else None,
            "userAgent": request.headers.get("user-agent"),
            **_caller(route.auth, request.headers.get("authorization", "")),
        },
        "path": f"/{STAGE}{request.url.path}",
        "protocol": f"HTTP/{request.scope['http_version']}",
        "requestId": str(uuid.uuid4()),
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": int(now * 1000),
        "resourceId": "local",
        "resourcePath": route.path,
        "stage": STAGE,
    }


def _caller(auth: str, authorization: str) -> dict[str, str | None]:
    """The caller: signatures are not checked here, and the access key serves as the user's name."""
    if auth != "iam":
        key = "local" if auth == "api-key" else None
        return {"apiKeyId": key, "userArn": None, "accountId": None}
    signed = re.search(r"AWS4-HMAC-SHA256 Credential=([^/]+)/", authorization)
    user = user_arn(signed[1] if signed else "")
    return {"apiKeyId": None, "userArn": user, "accountId": ACCOUNT}
