"""One HTTP connection that stays open between requests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from ssl import SSLCertVerificationError, SSLContext, create_default_context
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

# A dead endpoint must not hold a scoring request: botocore would wait a minute.
CONNECT_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 5.0

# The roots that AWS's services are certified by (amazontrust.com/repository): reading the 150 of
# the machine takes ten times as long, 20 ms of a cold start.
AMAZON_ROOTS = Path(__file__).with_name("amazon-roots.pem")

_JSON_CODE = re.compile(rb'"__type"\s*:\s*"(?:[^"#]*#)?(\w+)')
_XML_CODE = re.compile(rb"<Code>(\w+)</Code>")


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of an answer."""

    status: int
    body: bytes

    @property
    def code(self) -> str:
        """AWS's code of the error, empty where it is none."""
        found = _JSON_CODE.search(self.body) or _XML_CODE.search(self.body)
        return found[1].decode() if found and self.status >= 400 else ""


class Connection:
    """HTTP to one host; opened at the first request, and again after an error."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        self._is_tls = parts.scheme == "https"
        self._roots: Path | None = AMAZON_ROOTS
        self._http: HTTPConnection | None = None
        self._lock = Lock()

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """The answer; an OSError or HTTPException where there is none."""
        with self._lock:
            try:
                http = self._http = self._http or self._open()
                http.request(method, path, body or None, dict(headers))
                response = http.getresponse()
                return Answer(response.status, response.read())
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Drop the connection; the next request opens another."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def __del__(self) -> None:
        self.close()

    def _open(self) -> HTTPConnection:
        try:
            http = self._prepared()
            http.connect()
        except SSLCertVerificationError:
            if self._roots is None:
                raise
            self._roots = None  # not one of Amazon's: ask all that the machine trusts
            http = self._prepared()
            http.connect()
        http.sock.settimeout(READ_TIMEOUT_S)
        return http

    def _prepared(self) -> HTTPConnection:
        if self._is_tls:
            return HTTPSConnection(
                self.host, timeout=CONNECT_TIMEOUT_S, context=tls_context(self._roots)
            )
        return HTTPConnection(self.host, timeout=CONNECT_TIMEOUT_S)


@cache
def tls_context(roots: Path | None) -> SSLContext:
    """What a connection trusts: the roots of a file, or for None those of the machine."""
    return create_default_context(cafile=roots)
