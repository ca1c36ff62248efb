"""Runs a built function under Lambda's runtime interface emulator and measures INIT and calls.

The emulator comes from the SAM CLI's wheel (.venv-sam). The runtime is that of .venv-lambda:
`awslambdaric` and boto3 as in Lambda's image, with bytecode. Docker is not needed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

import httpx

from local.environment import AWS_PORT, HOST, HTTP_PORT, function_variables
from local.template import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

PROCESSOR = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
RAPID = ".venv-sam/lib/python3.13/site-packages/samcli/local/rapid"
EMULATOR = ROOT / RAPID / f"aws-lambda-rie-{PROCESSOR}"
PYTHON = ROOT / ".venv-lambda" / "bin" / "python"
INVOKE = "/2015-03-31/functions/function/invocations"
HANDLERS = {
    "predict": "functions.predict.handler.lambda_handler",
    "admin": "functions.admin.handler.lambda_handler",
}
# The emulator has no standard input to watch; Linux ends it together with our main thread.
ENDS_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL") if which("setpriv") else ()
_INIT_MS = re.compile(rb"INIT REPORT\(durationMs: ([\d.]+)")


@dataclass(frozen=True, slots=True)
class Call:
    """The answer to an event and its latency in milliseconds; the first call includes INIT."""

    answer: Any
    wall_ms: float


class Emulator:
    """One execution environment of a function; INIT happens at its first call.

    Attributes
    ----------
    url : address to which events are posted
    init_wall_ms : from the emulator's own INIT REPORT (its "Init Duration" is wrong)
    init_cpu_ms : processor time of the runtime's process, all threads, when INIT was over
    """

    def __init__(self, folder: Path, handler: str, environ: Mapping[str, str]) -> None:
        address, runtime = (f"127.0.0.1:{free_port()}" for _ in range(2))
        self.url = f"http://{address}{INVOKE}"
        self.init_wall_ms = self.init_cpu_ms = 0.0
        self._process = subprocess.Popen(
            [
                *ENDS_WITH_PARENT,
                EMULATOR,
                *("--log-level", "info"),
                *("--runtime-interface-emulator-address", address),
                *("--runtime-api-address", runtime),
                *(PYTHON, "-m", "awslambdaric", handler),
            ],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "LAMBDA_TASK_ROOT": str(folder),
                "PYTHONDONTWRITEBYTECODE": "1",  # a function's folder is read-only
                **environ,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        wait_until_listening(address)

        self._log = Thread(target=self._read_log, daemon=True)
        self._log.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait()
        self._log.join()

    def call(self, event: Any) -> Call:
        """Invoke the function."""
        started = time.perf_counter()
        response = httpx.post(self.url, json=event, timeout=60)
        wall_ms = 1000 * (time.perf_counter() - started)
        return Call(json.loads(response.content), wall_ms)

    def _read_log(self) -> None:
        """Read the log until its end and keep the figures of the INIT report."""
        assert self._process.stdout is not None  # noqa: S101
        with self._process.stdout as log:
            for line in log:
                if found := _INIT_MS.search(line):
                    if pid := self._runtime_pid():
                        self.init_cpu_ms = 1000 * _cpu_s(pid)
                    self.init_wall_ms = float(found[1])

    def _runtime_pid(self) -> int | None:
        """Id of the runtime's process; None if INIT has failed."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/children")
        return next((int(pid) for task in tasks for pid in task.read_text().split()), None)


def packaged(function: str, folder: Path) -> Path:
    """The folder of a zip function, built as `sam build` does."""
    command = ["make", "-C", "functions", f"package-{function}", f"ARTIFACTS_DIR={folder}"]
    environ = {**os.environ, "PYTHON": str(ROOT / ".venv" / "bin" / "python")}
    subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True)
    return folder


def wait_until_listening(address: str) -> None:
    """Wait until a server accepts connections."""
    host, port = address.split(":")
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError(f"no server listens on {address}")


def free_port() -> int:
    """A port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cpu_s(pid: int) -> float:
    """Processor time of all threads of another process, in nanosecond resolution.

    Linux derives the id of that clock from the process id, see clock_getcpuclockid(3).
    """
    return time.clock_gettime((~pid << 3) | 2)


def main() -> None:
    """Build a function and run it against the local stack until Ctrl-C."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("function", choices=HANDLERS)
    function = parser.parse_args().function
    variables = function_variables(
        aws_url=f"http://{HOST}:{AWS_PORT}", http_url=f"http://{HOST}:{HTTP_PORT}"
    )
    with TemporaryDirectory() as folder:
        built = packaged(function, Path(folder))
        with Emulator(built, HANDLERS[function], variables) as emulator:
            print(f"POST events to {emulator.url} (Ctrl-C stops it)", flush=True)
            with suppress(KeyboardInterrupt):
                signal.pause()


if __name__ == "__main__":
    main()
