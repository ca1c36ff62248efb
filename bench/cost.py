"""Dollars per million decisions, from the billed duration of the predict function at each memory.

Run with `python -m bench.cost`; writes bench/results/cost.json and .md. Needs Docker: the function
runs as `make build` packages it in Lambda's base image, with the share of a processor that Lambda
gives to its memory, and the runtime interface emulator reports what would be billed.

Not counted: data transfer, logs, S3 and SSM reads (one a minute and environment), the free tier.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

from bench.cold_start import demo_bundle
from bench.deployment import ENVIRONMENT, deployed, request
from bench.report import contenders_table, figures, in_turns, table, write
from cli.demo import APPLICATION, MODEL
from local.emulator import HANDLERS, INVOKE, packaged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IMAGE = "public.ecr.aws/lambda/python:3.13"
HOST = "host.docker.internal"  # this machine, as a container sees it
FULL_PROCESSOR_MB = 1769  # "at 1,769 MB, a function has the equivalent of one vCPU"
MEMORY_MB = (256, 512, 1024, 1769)
CALLS, STARTS = 100, 3
COLD_SHARE = 0.01
DECISIONS_PER_SECOND = (0.1, 1, 10, 100)
COLUMNS = {
    "init_ms": "INIT, ms",
    "warm_ms": "warm call, billed ms",
    "dollars": "$ per million decisions",
}


# Dollars at AWS's list prices of us-east-1 for x86_64, November 2026. A container that is always on
# means two Fargate tasks of 1 vCPU and 2 GB behind a load balancer, assumed to answer any load.
PRICES = {
    "lambda_gb_s": 0.0000166667,
    "lambda_request": 0.20e-6,
    "rest_api_request": 3.50e-6,
    "fargate_vcpu_hour": 0.04048,
    "fargate_gb_hour": 0.004445,
    "load_balancer_hour": 0.0225,
}
TASKS = 2


@contextmanager
def container(folder: Path, memory_mb: int, environ: Mapping[str, str]) -> Iterator[str]:
    """A container of the function with the processor share of its memory; its id."""
    command = ["run", "--detach", "--publish=127.0.0.1::8080", f"--add-host={HOST}:host-gateway"]
    command += [f"--cpus={memory_mb / FULL_PROCESSOR_MB:.3f}", f"--volume={folder}:/var/task:ro"]
    variables = [f"--env={name}={value}" for name, value in environ.items()]
    name = _docker(*command, *variables, IMAGE, HANDLERS["predict"])
    try:
        yield name
    finally:
        _docker("rm", "--force", name)


def start(folder: Path, memory_mb: int, environ: Mapping[str, str]) -> dict[str, float]:
    """Billed ms of INIT and of a warm call of one start, and dollars per million decisions."""
    with container(folder, memory_mb, environ) as name:
        url = "http://" + _docker("port", name, "8080").splitlines()[0] + INVOKE
        for _ in range(CALLS):
            _call(url)
        log = _docker("logs", name)
    [init] = (float(ms) for ms in re.findall(r"INIT REPORT\(durationMs: ([\d.]+)", log))
    # A bill is a sum, so the mean counts.
    warm = statistics.fmean(float(ms) for ms in re.findall(r"Billed Duration: (\d+) ms", log)[1:])
    gb_s = memory_mb / 1024 * (warm + COLD_SHARE * init) / 1000
    dollars = 1e6 * (PRICES["lambda_request"] + PRICES["lambda_gb_s"] * gb_s)
    return {"init_ms": init, "warm_ms": warm, "dollars": dollars}


def _call(url: str) -> None:
    body = Request(url, json.dumps(request(APPLICATION)).encode())
    for _ in range(50):
        try:
            with urlopen(body, timeout=60) as response:
                answer = json.load(response)
        except ConnectionError:  # the emulator is not up yet
            time.sleep(0.1)
        else:
            assert answer["statusCode"] == 200, answer
            return
    raise TimeoutError(url)


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).strip()


def measure() -> dict[str, list[dict[str, float]]]:
    """Billed durations and dollars at each memory size, start by start."""
    # The containers reach moto from the bridge of Docker.
    with TemporaryDirectory() as name, deployed(MODEL, demo_bundle(), "0.0.0.0") as port:  # noqa: S104
        environ = {**ENVIRONMENT, "AWS_ENDPOINT_URL": f"http://{HOST}:{port}"}
        built = packaged("predict", Path(name, "predict"))
        Path(name).chmod(0o755)
        calls = {f"{mb} MB": partial(start, built, mb, environ) for mb in MEMORY_MB}
        return in_turns(calls, STARTS)


def compared(lambda_dollars: float) -> list[list[str]]:
    """Dollars per million at each load: Lambda, with the API in front, and the container."""
    with_api = lambda_dollars + 1e6 * PRICES["rest_api_request"]
    task = PRICES["fargate_vcpu_hour"] + 2 * PRICES["fargate_gb_hour"]
    container_s = (TASKS * task + PRICES["load_balancer_hour"]) / 3600
    return [
        [f"{rate:g}", *(f"{d:.2f}" for d in (lambda_dollars, with_api, 1e6 * container_s / rate))]
        for rate in DECISIONS_PER_SECOND
    ]


def main() -> None:
    """Measure, print and write."""
    results = figures(measure())
    cheapest = min(one["dollars"]["median"] for one in results.values())
    head = ["decisions a second", "Lambda, $", "with API Gateway, $", "container always on, $"]
    text = contenders_table("memory", results, COLUMNS) + "\n" + table(head, compared(cheapest))
    write("cost", results, text, prices=PRICES, cold_share=COLD_SHARE)


if __name__ == "__main__":
    main()
