"""Runs a function under Lambda's runtime interface emulator and says what INIT and calls cost.

The emulator is the one in the SAM CLI's wheel (.venv-sam), the runtime that of .venv-lambda:
`awslambdaric` and boto3 as in Lambda's image, with bytecode. Needs no Docker.
"""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Self
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]
PROCESSOR = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
RAPID = ".venv-sam/lib/python3.13/site-packages/samcli/local/rapid"
EMULATOR = ROOT / RAPID / f"aws-lambda-rie-{PROCESSOR}"
PYTHON = ROOT / ".venv-lambda" / "bin" / "python"
INVOKE = "/2015-03-31/functions/function/invocations"
_INIT_MS = re.compile(rb"INIT REPORT\(durationMs: ([\d.]+)")


@dataclass(frozen=True, slots=True)
class Call:
    """The answer to an event and the milliseconds until it came, INIT included in the first."""

    answer: Any
    wall_ms: float


class Emulator:
    """One execution environment of a function; INIT happens at its first call.

    Attributes
    ----------
    init_wall_ms : from the emulator's own INIT REPORT (its "Init Duration" is wrong)
    init_cpu_ms : processor time of the runtime's process, all threads, when INIT was over
    """

    def __init__(self, folder: Path, handler: str, environ: Mapping[str, str]) -> None:
        address, runtime = _free_address(), _free_address()
        self._url = f"http://{address}{INVOKE}"
        self.init_wall_ms = self.init_cpu_ms = 0.0
        self._process = subprocess.Popen(
            [
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
        request = Request(self._url, json.dumps(event).encode())
        started = time.perf_counter()
        with urlopen(request, timeout=60) as response:
            content = response.read()
        return Call(json.loads(content), 1000 * (time.perf_counter() - started))

    def _read_log(self) -> None:
        """Wait for the report of INIT; the runtime then waits for its first event."""
        assert self._process.stdout is not None
        with self._process.stdout as log:
            for line in log:
                if found := _INIT_MS.search(line):
                    self.init_cpu_ms = 1000 * _cpu_s(self._runtime_pid())
                    self.init_wall_ms = float(found[1])

    def _runtime_pid(self) -> int:
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/children")
        [pid] = {int(pid) for task in tasks for pid in task.read_text().split()}
        return pid


def wait_until_listening(address: str) -> None:
    """Wait for a server's socket."""
    host, port = address.split(":")
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError(f"nobody listens on {address}")


def _free_address() -> str:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{sock.getsockname()[1]}"


def _cpu_s(pid: int) -> float:
    """Processor time of another process, all its threads, in nanosecond resolution.

    Linux makes the id of that clock from the process id, see clock_getcpuclockid(3).
    """
    return time.clock_gettime((~pid << 3) | 2)
