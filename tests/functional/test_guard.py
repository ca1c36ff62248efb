"""A test run that is stopped leaves no process behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

from local.template import ROOT
from tests import guard

pytestmark = pytest.mark.slow

TESTS = """
import subprocess, sys, time
from pathlib import Path
import pytest

started = []

@pytest.mark.parametrize("number", range(2))
def test_starts_a_process_that_outlives_it(number):
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    started.append(subprocess.Popen(command, start_new_session=True))
    Path(__file__).with_name(f"pid-{number}").write_text(str(started[-1].pid))
    time.sleep({seconds})
"""


@pytest.fixture
def start(tmp_path):
    """Start a run of pytest on these tests; wait until both have begun."""

    def start(workers, seconds):
        (tmp_path / "test_started.py").write_text(TESTS.replace("{seconds}", str(seconds)))
        options = [
            "-p",
            "tests.conftest",
            "-c",
            ROOT / "pyproject.toml",
            f"--basetemp={tmp_path}/t",
        ]
        environ = {name: value for name, value in os.environ.items() if "XDIST" not in name}
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, "-n", str(workers), tmp_path],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return process, wait_for_pids(tmp_path, 2 if workers else 1)

    return start


def wait_for_pids(folder, count):
    def pids():
        return [int(path.read_text() or 0) for path in folder.glob("pid-*")]

    return until(lambda: len(pids()) >= count and all(pids()) and pids(), 60)


def until(check, seconds):
    deadline = time.monotonic() + seconds
    while not (found := check()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_ends_its_processes(start, workers, word):
    process, pids = start(workers, 600)
    assert pids

    process.send_signal(word)
    process.communicate(timeout=60)

    assert until(lambda: not any(map(is_alive, pids)), 3 * guard.PATIENCE_S)


def test_a_run_that_leaves_a_process_behind_fails_and_names_it(start):
    process, pids = start(0, 0)

    output, _ = process.communicate(timeout=60)

    assert process.returncode == pytest.ExitCode.TESTS_FAILED
    assert "2 passed" in output
    assert f"left behind: {pids[0]} " in output
    assert until(lambda: not any(map(is_alive, pids)), 3 * guard.PATIENCE_S)
