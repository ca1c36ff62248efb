"""AWS Signature Version 4 for requests without a query string.

Two boto3 clients take 313 ms of processor time at a cold start; this module takes 22. A test
compares its signatures with botocore's.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING

from scoreline.core.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

ALGORITHM = "AWS4-HMAC-SHA256"


@record
class Credentials:
    """An access key; temporary ones have a `token`."""

    access_key: str
    secret_key: str
    token: str | None = None


@record
class HttpRequest:
    """A request to sign. `path` is percent-encoded once, as it is sent."""

    method: str
    host: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


def signed_headers(
    request: HttpRequest, credentials: Credentials, *, service: str, region: str, at: datetime
) -> dict[str, str]:
    """The headers of a signed request: its own and those of the signature.

    Parameters
    ----------
    at : the present time in UTC

    References
    ----------
    "Create a signed AWS API request", AWS Identity and Access Management User Guide.
    """
    timestamp = f"{at:%Y%m%dT%H%M%SZ}"
    scope = f"{timestamp[:8]}/{region}/{service}/aws4_request"
    payload = sha256(request.body).hexdigest()
    headers = {name.lower(): " ".join(value.split()) for name, value in request.headers.items()}
    headers |= {"host": request.host, "x-amz-date": timestamp, "x-amz-content-sha256": payload}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = sorted(headers)
    # Step 1 of the guide: the canonical request, without a query string.
    canonical = [request.method, request.path, ""]
    canonical += [f"{name}:{headers[name]}" for name in names]
    canonical += ["", ";".join(names), payload]
    digest = sha256("\n".join(canonical).encode()).hexdigest()
    # Steps 3 and 4: derive the signing key and sign the string of step 2.
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    signature = _hmac(key, f"{ALGORITHM}\n{timestamp}\n{scope}\n{digest}").hex()
    headers["authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return headers


def _hmac(key: bytes, message: str) -> bytes:
    return hmac.digest(key, message.encode(), "sha256")
