"""A process of the stack, as its parent sees it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from local.child import READY
from local.errors import StackError
from local.template import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

START_S = 60
STOP_S = 15
LOG_TAIL_LINES = 15


@dataclass
class Process:
    """A child that runs a module of this package and writes its output into a log file.

    Attributes
    ----------
    status_fd : end of the pipe through which the child reports its status
    """

    name: str
    popen: subprocess.Popen[bytes]
    log: Path
    status_fd: int

    @classmethod
    def spawn(
        cls,
        name: str,
        arguments: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        descriptors: Sequence[int] = (),
    ) -> Self:
        """Run `python -m local.{name}`; `descriptors` stay open in the child."""
        log.parent.mkdir(parents=True, exist_ok=True)
        reader, writer = os.pipe()
        command = [sys.executable, "-m", f"local.{name}", "--ready-fd", str(writer), *arguments]
        with open(log, "ab") as output:
            popen = subprocess.Popen(
                command,
                cwd=ROOT,  # a folder of the user's, such as models/, would hide our packages
                env={**environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.PIPE,  # closes when this process ends, see end_with_parent
                stdout=output,
                stderr=output,
                pass_fds=[writer, *descriptors],
                start_new_session=True,  # the parent handles Ctrl-C and stops them in order
            )
        os.close(writer)
        return cls(name, popen, log, reader)

    def wait_until_ready(self) -> None:
        """Wait for the status; a StackError if it is a problem, or if none comes."""
        with os.fdopen(self.status_fd, "rb") as pipe:
            # the pipe also becomes readable when the child ends without a status
            readable, _, _ = select.select([pipe], [], [], START_S)
            status = pipe.read().decode() if readable else ""
        if status != READY:
            raise StackError(status or f"{self.name} did not start:\n{self.log_tail()}")

    def problem(self) -> str | None:
        """Why the process ended; None while it runs."""
        if self.popen.poll() is None:
            return None
        return (
            f"{self.name} ended with exit code {self.popen.returncode}; "
            f"its log {self.log} ends:\n{self.log_tail()}"
        )

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL if the process does not end."""
        self.popen.terminate()
        try:
            self.popen.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        assert self.popen.stdin is not None  # noqa: S101
        self.popen.stdin.close()

    def log_tail(self) -> str:
        """The last lines of the log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL_LINES:])
