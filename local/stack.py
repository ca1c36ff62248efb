"""The whole system on a laptop: three processes, started and stopped together.

`aws` plays AWS (moto), `front` plays API Gateway and Lambda for the HTTP functions, `worker` plays
the event source of the train function and EventBridge before the others. Each of several fronts is
an execution environment of every function, and the kernel deals the connections out.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Self

from local.child import READY
from local.environment import function_variables, without_aws
from local.template import ROOT, TEMPLATE_PATH

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

STATE_DIR = ROOT / ".scoreline"
HTTP_PORT = 3000
AWS_PORT = 5000
START_S = 60
STOP_S = 15
HANDOVER_S = 3  # how long the processes of a stack that was killed may still hold what they had


class StackError(Exception):
    """The stack cannot start or cannot go on; the message is for people."""


@dataclass
class Child:
    """One process of the stack."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    words: int

    def wait_until_ready(self) -> None:
        """Wait for its word; a StackError where it says something else or ends without a word."""
        with os.fdopen(self.words, "rb") as pipe:
            spoken, _, _ = select.select([pipe], [], [], START_S)
            word = pipe.read().decode() if spoken else ""
        if word != READY:
            raise StackError(word or f"{self.name} did not start:\n{self.last_words()}")

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not help."""
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        assert self.process.stdin is not None  # noqa: S101
        self.process.stdin.close()

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


@dataclass
class Stack:
    """A running local stack; port 0 takes any free port.

    Examples
    --------
    with Stack(http_port=0, aws_port=0, state_dir=folder) as stack:
        httpx.get(f"{stack.http_url}/health")
    """

    http_port: int = HTTP_PORT
    aws_port: int = AWS_PORT
    state_dir: Path = STATE_DIR
    template: Path = TEMPLATE_PATH
    host: str = "127.0.0.1"
    fronts: int = 1
    _children: list[Child] = field(default_factory=list)
    _lock: IO[bytes] | None = None

    @property
    def http_url(self) -> str:
        """Base address of the HTTP routes and of the Lambda Invoke API."""
        return f"http://{self.host}:{self.http_port}"

    @property
    def aws_url(self) -> str:
        """Endpoint of S3, SSM, DynamoDB, SQS and EventBridge."""
        return f"http://{self.host}:{self.aws_port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the functions, for whoever wants to reach the stack as they do."""
        return function_variables(
            aws_url=self.aws_url, http_url=self.http_url, template=self.template
        )

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Start all processes and wait for them; a StackError leaves nothing running."""
        try:
            self._lock = self._take_state_dir()
            with self._bind(self.aws_port) as aws, self._bind(self.http_port) as http:
                self.aws_port, self.http_port = aws.getsockname()[1], http.getsockname()[1]
                aws.listen(128)
                folder = ["--state-dir", str(self.state_dir.resolve())]
                moto = self._spawn("aws", *folder, sock=aws)
                fronts = [self._spawn("front", sock=http)]
                for _ in range(1, self.fronts):
                    with self._bind(self.http_port) as another:
                        fronts.append(self._spawn("front", sock=another))
                moto.wait_until_ready()
                worker = self._spawn("worker")  # not before the queue is there
                for child in (*fronts, worker):
                    child.wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop all processes, the one that saves the state last."""
        while self._children:
            self._children[-1].stop()
            self._children.pop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def wait(self) -> str:
        """Wait until a process ends, which none should, and say which one and why."""
        while True:
            for child in self._children:
                if child.process.poll() is not None:
                    return (
                        f"{child.name} ended with exit code {child.process.returncode}; "
                        f"its log {child.log} ends:\n{child.last_words()}"
                    )
            time.sleep(0.2)

    def _spawn(self, name: str, *arguments: str, sock: socket.socket | None = None) -> Child:
        log = self.state_dir / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        reader, writer = os.pipe()
        command = [sys.executable, "-m", f"local.{name}", "--template", str(self.template)]
        descriptors = [writer]
        if sock is not None:
            command += ["--socket-fd", str(sock.fileno())]
            descriptors.append(sock.fileno())
        if name == "aws" and self._lock is not None:  # held until the last save
            descriptors.append(self._lock.fileno())
        with open(log, "ab" if any(c.name == name for c in self._children) else "wb") as output:
            process = subprocess.Popen(
                [*command, "--ready-fd", str(writer), *arguments],
                cwd=ROOT,
                env={**without_aws(os.environ), **self.environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=descriptors,
                start_new_session=True,  # Ctrl-C is for the parent, which stops them in order
            )
        os.close(writer)
        child = Child(name, process, log, reader)
        self._children.append(child)
        return child

    def _take_state_dir(self) -> IO[bytes]:
        try:
            self.state_dir.mkdir(parents=True, exist_ok=True)
            lock = open(self.state_dir / "lock", "wb")  # noqa: SIM115 - held while the stack runs
        except OSError as error:
            raise StackError(f"cannot write to {self.state_dir}: {error.strerror}") from None
        try:
            _retry(
                lambda: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB),
                f"another stack runs with {self.state_dir}; choose another --state-dir",
            )
        except BaseException:
            lock.close()
            raise
        return lock

    def _bind(self, port: int) -> socket.socket:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.fronts > 1:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            _retry(
                lambda: sock.bind((self.host, port)),
                f"port {port} is in use; choose another with --http-port or --aws-port",
            )
        except BaseException:
            sock.close()
            raise
        return sock


def stop_on_signals() -> None:
    """Let SIGTERM and SIGINT end this process by a SystemExit, once."""

    def end(_signal: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


def _retry(take: Callable[[], None], problem: str) -> None:
    deadline = time.monotonic() + HANDOVER_S
    while True:
        try:
            return take()
        except OSError as error:
            if error.errno not in {errno.EADDRINUSE, errno.EAGAIN}:
                raise StackError(f"{problem} ({error.strerror})") from None
            if time.monotonic() > deadline:
                raise StackError(problem) from None
            time.sleep(0.1)
