"""The whole system on a laptop: processes that start and stop together.

`aws` plays AWS (moto). `front` plays API Gateway and Lambda for the HTTP functions. `worker` plays
the event source of the train function, and EventBridge. With several fronts, each is an execution
environment of every function, and the kernel spreads the connections over them.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from local.acquire import bind_port, lock_folder
from local.environment import (
    AWS_PORT,
    HOST,
    HTTP_PORT,
    aws_variables,
    function_variables,
    without_aws,
)
from local.process import Process
from local.template import TEMPLATE_PATH

if TYPE_CHECKING:
    import socket
    from types import TracebackType

STATE_DIR = Path(".scoreline")


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
    host: str = HOST
    fronts: int = 1
    _processes: list[Process] = field(default_factory=list)
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
        """The environment of the functions, also for clients that reach the stack as they do."""
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
        """Start all processes and wait for them; after a StackError nothing is left running."""
        try:
            self._lock = lock_folder(self.state_dir)
            with self._bind(self.aws_port) as aws, self._bind(self.http_port) as http:
                self.aws_port, self.http_port = aws.getsockname()[1], http.getsockname()[1]
                self._start_processes(aws, http)
        except BaseException:
            self.stop()
            raise

    def _start_processes(self, aws: socket.socket, http: socket.socket) -> None:
        aws.listen(128)
        moto = self._spawn("aws", "--state-dir", str(self.state_dir.resolve()), sock=aws)
        fronts = [self._spawn("front", sock=http)]
        for _ in range(1, self.fronts):
            with self._bind(self.http_port) as another:
                fronts.append(self._spawn("front", sock=another))
        moto.wait_until_ready()
        worker = self._spawn("worker")  # needs the queue that moto has created
        for process in (*fronts, worker):
            process.wait_until_ready()

    def stop(self) -> None:
        """Stop all processes; the first one saves the state and stops last."""
        while self._processes:
            self._processes[-1].stop()
            self._processes.pop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def wait(self) -> str:
        """Wait until a process ends, which none should, and return the reason."""
        while True:
            for process in self._processes:
                if problem := process.problem():
                    return problem
            time.sleep(0.2)

    def describe(self) -> str:
        """Addresses, and the lines that let boto3 and the AWS CLI reach the stack."""
        variables = aws_variables(aws_url=self.aws_url, http_url=self.http_url)
        exports = "\n".join(f"  export {name}={value}" for name, value in variables.items())
        return (
            f"Scoreline is running. Ctrl-C stops it.\n\n"
            f"  HTTP     {self.http_url}\n"
            f"  Docs     {self.http_url}/docs\n"
            f"  AWS      {self.aws_url}\n"
            f"  State    {self.state_dir}\n"
            f"  Logs     {self.state_dir / 'logs'}\n\n"
            f"For boto3 and the AWS CLI:\n{exports}\n"
        )

    def _bind(self, port: int) -> socket.socket:
        return bind_port(self.host, port, shared=self.fronts > 1)

    def _spawn(self, name: str, *arguments: str, sock: socket.socket | None = None) -> Process:
        log = self.state_dir / "logs" / f"{name}.log"
        if all(process.name != name for process in self._processes):
            log.unlink(missing_ok=True)
        arguments = ("--template", str(self.template.resolve()), *arguments)
        descriptors = []
        if sock is not None:
            arguments = ("--socket-fd", str(sock.fileno()), *arguments)
            descriptors.append(sock.fileno())
        if name == "aws" and self._lock is not None:  # keeps the lock until its last save
            descriptors.append(self._lock.fileno())
        # the user's own profile and keys must not reach the functions
        environment = {**without_aws(os.environ), **self.environment}
        process = Process.spawn(
            name, arguments, log=log, environment=environment, descriptors=descriptors
        )
        self._processes.append(process)
        return process


def stop_on_signals() -> None:
    """Let the first SIGTERM or SIGINT end this process by a SystemExit, and ignore later ones."""

    def end(_signal: int, _frame: object) -> None:
        # a second Ctrl-C would interrupt the saving of the state
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
