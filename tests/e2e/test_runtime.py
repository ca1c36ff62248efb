"""The built predict function under Lambda's runtime: errors in INIT, timeouts, payloads."""

import json
import os
import socket
import subprocess
import sys

import httpx
import pytest

from local.emulator import HANDLERS, Emulator, packaged
from local.template import ROOT
from tests import guard
from tests.support import REGION, load_event

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("emulator")]

VARIABLES = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "SCORELINE_STAGE": "test",
    "SCORELINE_BUCKET": "bucket",
}


@pytest.fixture(scope="module")
def predict(tmp_path_factory):
    environments = (".venv-lambda/.installed", ".venv-sam/.installed")
    subprocess.run(["make", *environments], cwd=ROOT, check=True, capture_output=True)
    return packaged("predict", tmp_path_factory.mktemp("predict"))


@pytest.fixture
def endpoint():
    """Where AWS should be, and nobody ever answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"


def ask(folder, event, **variables):
    run = {guard.VARIABLE: os.environ[guard.VARIABLE]}  # the emulator inherits no environment
    with Emulator(folder, HANDLERS["predict"], {**variables, **run}) as emulator:
        return httpx.post(emulator.url, json=event, timeout=60)


def test_a_missing_variable_is_named_by_the_error_of_init(predict):
    answer = ask(predict, load_event("health")).json()

    assert (answer["errorType"], answer["errorMessage"]) == ("KeyError", "'SCORELINE_STAGE'")


def test_without_aws_init_ends_well_and_status_says_why(predict):
    answer = ask(predict, load_event("status"), **VARIABLES, AWS_ENDPOINT_URL="http://127.0.0.1:9")

    assert json.loads(answer.json()["body"])["status"] == "unavailable"
    assert "SSM: ConnectionRefusedError" in answer.json()["body"]


def test_a_function_that_waits_too_long_is_stopped(predict, endpoint):
    limit = {"AWS_LAMBDA_FUNCTION_TIMEOUT": "1"}

    answer = ask(predict, load_event("health"), **VARIABLES, **limit, AWS_ENDPOINT_URL=endpoint)

    assert "Task timed out after 1.00 seconds" in answer.text


def test_an_event_over_six_megabytes_does_not_reach_the_handler(predict):
    event = {**load_event("predict"), "body": "x" * 7_000_000}

    answer = ask(predict, event, **VARIABLES, AWS_ENDPOINT_URL="http://127.0.0.1:9").json()

    assert answer["errorType"] == "Runtime.UnmarshalError"


def test_kill_9_of_its_owner_ends_the_emulator(predict):
    run = {guard.VARIABLE: os.environ[guard.VARIABLE]}
    code = f"""
import time
from pathlib import Path
from local.emulator import HANDLERS, Emulator

emulator = Emulator(Path({str(predict)!r}), HANDLERS["predict"], {VARIABLES | run!r})
print(emulator.url, flush=True)
time.sleep(600)
"""
    owner = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    url = owner.stdout.readline().decode().strip()
    assert httpx.post(url, json={}, timeout=60).status_code == 200

    owner.kill()
    owner.wait()
    owner.stdout.close()

    assert not {
        pid for pid, name in guard.left_after(run[guard.VARIABLE], 10).items() if "rie" in name
    }
