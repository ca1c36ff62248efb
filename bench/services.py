"""Peers' services as processes: started, waited for, and ended with all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import httpx

from local.template import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

BIN = ROOT / ".venv-bench" / "bin"
START_S = 90
STOP_S = 10


@contextmanager
def service(command: Sequence[str], log: Path, environ: Mapping[str, str] = {}) -> Iterator[None]:
    """A process of .venv-bench that runs; the end of its log is shown where anything fails."""
    path = f"{BIN}:{os.environ['PATH']}"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, "PATH": path, **environ},
            stdout=output,
            stderr=output,
            start_new_session=True,  # a group of its own, with its workers
        )
    try:
        yield
    except BaseException:
        print(f"{command[0]}:", *log.read_text().splitlines()[-20:], sep="\n", file=sys.stderr)
        raise
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group, by force what does not go."""
    with suppress(subprocess.TimeoutExpired):
        process.terminate()
        process.wait(STOP_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until_answering(port: int) -> None:
    """Wait until something answers HTTP on a port, whatever it says."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/", timeout=START_S)
            return
        time.sleep(0.2)
    raise TimeoutError(f"nothing answers on port {port}")
