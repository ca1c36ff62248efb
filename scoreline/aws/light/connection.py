"""HTTP/1.1 to one host over a connection that stays open, as far as AWS's answers need it.

The standard library's http.client parses headers with the email package; importing both takes 9 ms
of a cold start.
"""

from __future__ import annotations

import re
import socket
from functools import cache
from pathlib import Path
from ssl import SSLCertVerificationError, SSLContext, create_default_context
from threading import Lock
from typing import IO, TYPE_CHECKING

from scoreline.core.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping

# A dead endpoint must not hold a scoring request for botocore's default minute.
CONNECT_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 5.0

# The root certificates of AWS's services (amazontrust.com/repository). Reading the machine's 150
# roots instead takes ten times as long, 20 ms of a cold start.
AMAZON_ROOTS = Path(__file__).with_name("amazon-roots.pem")

PORTS = {"http": 80, "https": 443}


@record
class Answer:
    """Status and body of an answer."""

    status: int
    body: bytes

    @property
    def code(self) -> str:
        """AWS's error code; empty for a status below 400 and for a body without a code."""
        if self.status < 400:
            return ""
        in_json = re.search(rb'"__type"\s*:\s*"(?:[^"#]*#)?(\w+)', self.body)
        found = in_json or re.search(rb"<Code>(\w+)</Code>", self.body)
        return found[1].decode() if found else ""


class Connection:
    """HTTP to one host; the first request opens it, and the first one after an error."""

    def __init__(self, url: str, timeout_s: float = READ_TIMEOUT_S) -> None:
        """Prepare a connection to a URL; its path is ignored."""
        self._timeout_s = timeout_s
        self._scheme, _, rest = url.partition("://")
        self.host = rest.partition("/")[0]
        self._roots: Path | None = AMAZON_ROOTS
        self._socket: socket.socket | None = None
        self._answers: IO[bytes] | None = None
        self._lock = Lock()

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Send a request and read the answer; an OSError where the connection fails."""
        with self._lock:
            try:
                if self._socket is None or self._answers is None:
                    self._socket = self._open()
                    self._answers = self._socket.makefile("rb")
                self._socket.sendall(_request(method, path, {"host": self.host, **headers}, body))
                answer, stays_open = _read_answer(self._answers)
            except BaseException:
                # The rest of this answer must not be read as the answer to the next request.
                self.close()
                raise
            if not stays_open:
                self.close()
            return answer

    def close(self) -> None:
        """Drop the connection; the next request opens another."""
        for end in (self._answers, self._socket):
            if end is not None:
                end.close()
        self._answers = self._socket = None

    def __del__(self) -> None:
        self.close()

    def _open(self) -> socket.socket:
        try:
            opened = self._connect()
        except SSLCertVerificationError:
            if self._roots is None:
                raise
            self._roots = None  # another authority, perhaps a proxy's: trust the machine's roots
            opened = self._connect()
        opened.settimeout(self._timeout_s)
        return opened

    def _connect(self) -> socket.socket:
        name, _, port = self.host.partition(":")
        address = (name, int(port or PORTS[self._scheme]))
        plain = socket.create_connection(address, min(CONNECT_TIMEOUT_S, self._timeout_s))
        # Without this, the kernel may hold back the end of a request (Nagle's algorithm).
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._scheme == "http":
            return plain
        return tls_context(self._roots).wrap_socket(plain, server_hostname=name)


@cache
def tls_context(roots: Path | None) -> SSLContext:
    """A TLS context that trusts the roots of a file, or for None those of the machine."""
    return create_default_context(cafile=roots)


def _request(method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _read_answer(answers: IO[bytes]) -> tuple[Answer, bool]:
    """The next answer, and whether the connection stays open after it.

    References
    ----------
    RFC 9112, sections 4, 6 and 7.1.
    """
    version, _, rest = _line(answers).partition(b" ")
    if version != b"HTTP/1.1" or not rest[:3].isdigit():
        raise ConnectionAbortedError("no HTTP/1.1")
    headers = {}
    while line := _line(answers):
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip().lower()
    stays_open = headers.get(b"connection") != b"close"
    if headers.get(b"transfer-encoding") == b"chunked":
        body = b"".join(iter(lambda: _chunk(answers), b""))
        while _line(answers):
            pass  # trailers
    elif b"content-length" in headers:
        body = _exactly(answers, int(headers[b"content-length"]))
    else:
        body, stays_open = answers.read(), False
    return Answer(int(rest[:3]), body), stays_open


def _line(answers: IO[bytes]) -> bytes:
    line = answers.readline(65_537)
    if not line.endswith(b"\n"):
        raise ConnectionAbortedError("hung up" if len(line) < 65_537 else "a header is too long")
    return line.rstrip(b"\r\n")


def _chunk(answers: IO[bytes]) -> bytes:
    """The next chunk; the last one is empty."""
    size = int(_line(answers).partition(b";")[0], 16)
    content = _exactly(answers, size)
    if size:
        _line(answers)
    return content


def _exactly(answers: IO[bytes], size: int) -> bytes:
    content = answers.read(size)
    if len(content) != size:
        raise ConnectionAbortedError("hung up")
    return content
