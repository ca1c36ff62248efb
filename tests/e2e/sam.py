"""The built functions in containers, as `sam local` runs them, pointed at a local stack."""

import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import httpx

from local.environment import function_variables, without_aws
from local.template import ROOT

SAM = ROOT / ".venv-sam" / "bin" / "sam"
BASE_IMAGE = "public.ecr.aws/lambda/python:3.13"
HOST = "host.docker.internal"


def docker(*arguments):
    """Docker's answer, or None where it does not answer."""
    if not shutil.which("docker"):
        return None
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def environment():
    """No credentials: with false ones sam asks STS for seconds before it goes on."""
    quiet = {"SAM_CLI_TELEMETRY": "0", "AWS_EC2_METADATA_DISABLED": "true"}
    return {**without_aws(os.environ), **quiet, "AWS_DEFAULT_REGION": "us-east-1"}


class SamLocal:
    """`sam local` on what `make build` has built."""

    def __init__(self, stack, folder):
        aws_url, http_url = (f"http://{HOST}:{port}" for port in (stack.aws_port, stack.http_port))
        variables = function_variables(aws_url=aws_url, http_url=http_url)
        self._folder = folder
        self._variables = folder / "variables.json"
        self._variables.write_text(json.dumps({"Parameters": variables}))

    def _command(self, name, *arguments):
        # An image that is here is as good as a registry's: no network, and stand-ins can be used.
        here = ["--skip-pull-image"] if docker("image", "inspect", BASE_IMAGE) else []
        # Docker knows the address of the machine that it runs on; its networks need not say it.
        there = ["--add-host", f"{HOST}:host-gateway"]
        options = ["--env-vars", str(self._variables), "--parameter-overrides", "Stage=local"]
        return [str(SAM), "local", name, *arguments, *here, *there, *options]

    def invoke(self, function, event):
        """The answer of one function to one event, in a container of its own.

        sam exits with 0 whatever happens in the container, so its output is what counts.
        """
        path = self._folder / "event.json"
        path.write_text(json.dumps(event))
        command = self._command("invoke", function, "--event", str(path))
        done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
        lines = done.stdout.strip().split("\n")  # splitlines would split at U+0085 as well
        assert lines[-1], f"{function} gave no answer:\n{done.stderr[-3000:]}"
        return json.loads(lines[-1])

    @contextmanager
    def start_api(self):
        """An HTTP client of `sam local start-api`, its containers warm."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = self._command("start-api", "--port", str(port), "--warm-containers", "LAZY")
        log = self._folder / "start-api.log"
        with (
            open(log, "wb") as output,
            subprocess.Popen(
                command, cwd=ROOT, env=environment(), stdout=output, stderr=output
            ) as process,
        ):
            try:
                _wait_for(port, process, log)
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
                    yield client
            finally:
                process.terminate()


def _wait_for(port, process, log, timeout_s=120):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(f"sam local start-api did not start:\n{log.read_text()[-3000:]}")
