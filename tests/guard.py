"""Ends the processes of a test run when the run ends, however it ends: `python -m tests.guard ID`.

Every process that the tests start, and every one that these start, inherits a variable that names
the run. The guard waits at a pipe, which closes when pytest is gone, and then ends them all.
"""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

VARIABLE = "SCORELINE_TEST_RUN"
PATIENCE_S = 5


def start():
    """Mark the processes of this run from now on, and start its guard."""
    os.environ[VARIABLE] = run = uuid.uuid4().hex
    environ = {name: value for name, value in os.environ.items() if name != VARIABLE}
    command = [sys.executable, "-S", __file__, run]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, env=environ, close_fds=True, start_new_session=True
    )


def members(run):
    """Ids and commands of the processes of a run."""
    mark = f"{VARIABLE}={run}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = command.decode(errors="replace").strip()
        except OSError:  # it has ended, or is another user's
            continue
    return found


def left_after(run, seconds):
    """The processes of a run that are still there after so many seconds."""
    deadline = time.monotonic() + seconds
    while (found := members(run)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def end(run):
    """End the processes of a run, by force if they do not go."""
    for word in (signal.SIGTERM, signal.SIGKILL):
        for pid in members(run):
            try:
                os.kill(pid, word)
            except ProcessLookupError:
                continue
        if not left_after(run, PATIENCE_S):
            return


if __name__ == "__main__":
    sys.stdin.read()
    end(sys.argv[1])
