"""Dollars per million decisions, from the billed duration of the predict function at each memory.

Run with `python -m bench.cost`; writes bench/results/cost.json and .md. Needs Docker: the function
runs as `make build` packages it in Lambda's base image, with the share of a processor that Lambda
gives to its memory, and the runtime interface emulator reports what would be billed.

Prices are AWS's list prices of us-east-1 for x86_64, November 2026; see PRICES. Not counted: data
transfer, logs, S3 and SSM reads (one a minute per execution environment), the free tier.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from moto.server import ThreadedMotoServer

from bench.cold_start import AWS, SCORE, SETTINGS, publish
from bench.report import shown, spread, table, write
from cli.demo import MODEL
from cli.seed_data import german_credit
from local.emulator import HANDLERS, INVOKE, packaged
from scoreline.definition.files import load_definition
from training.train import train

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IMAGE = "public.ecr.aws/lambda/python:3.13"
FULL_PROCESSOR_MB = 1769  # "at 1,769 MB, a function has the equivalent of one vCPU"
MEMORY_MB = (256, 512, 1024, 1769)
CALLS = 300
STARTS = 3
COLD_SHARE = 0.01
DECISIONS_PER_SECOND = (0.1, 1, 10, 100)
SECONDS_PER_MONTH = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars in us-east-1.

    The container that is always on: two Fargate tasks of 1 vCPU and 2 GB behind a load balancer,
    two for availability; they are taken to answer any of the loads.
    """

    lambda_gb_s: float = 0.0000166667
    lambda_request: float = 0.20e-6
    rest_api_request: float = 3.50e-6
    fargate_vcpu_hour: float = 0.04048
    fargate_gb_hour: float = 0.004445
    load_balancer_hour: float = 0.0225
    tasks: int = 2

    def invocation(self, memory_mb: int, billed_ms: float) -> float:
        """Dollars of one invocation."""
        return self.lambda_gb_s * memory_mb / 1024 * billed_ms / 1000 + self.lambda_request

    def container_month(self) -> float:
        """Dollars of a month of containers, whatever they do."""
        task = self.fargate_vcpu_hour + 2 * self.fargate_gb_hour
        return (self.tasks * task + self.load_balancer_hour) * SECONDS_PER_MONTH / 3600


PRICES = Prices()


@contextmanager
def container(folder: Path, memory_mb: int, environ: Mapping[str, str]) -> Iterator[str]:
    """A container of the function with the processor share of its memory; its id."""
    command = ["docker", "run", "--detach", "--publish", "127.0.0.1::8080"]
    command += [f"--cpus={memory_mb / FULL_PROCESSOR_MB:.3f}", "--volume", f"{folder}:/var/task:ro"]
    for name, value in environ.items():
        command += ["--env", f"{name}={value}"]
    name = _docker(*command[1:], IMAGE, HANDLERS["predict"])
    try:
        yield name
    finally:
        _docker("rm", "--force", name)


def billed(folder: Path, memory_mb: int, environ: Mapping[str, str]) -> dict[str, Any]:
    """Billed ms of INIT and of a warm call, start by start."""
    inits: list[float] = []
    calls: list[float] = []
    for _ in range(STARTS):
        with container(folder, memory_mb, environ) as name:
            url = "http://" + _docker("port", name, "8080").splitlines()[0] + INVOKE
            for _ in range(CALLS // STARTS):
                _call(url)
            log = _docker("logs", name)
        inits += [float(ms) for ms in re.findall(r"INIT REPORT\(durationMs: ([\d.]+)", log)]
        warm = [float(ms) for ms in re.findall(r"Billed Duration: (\d+) ms", log)][1:]
        calls.append(statistics.fmean(warm))  # a bill is a sum
    return {"init_ms": spread(inits), "warm_ms": spread(calls)}


def _call(url: str) -> None:
    request = Request(url, json.dumps(SCORE).encode())
    for attempt in range(50):
        try:
            with urlopen(request, timeout=60) as response:
                answer = json.load(response)
        except ConnectionError:  # the emulator is not up yet
            time.sleep(0.1 * (attempt < 49))
        else:
            assert answer["statusCode"] == 200, answer
            return
    raise TimeoutError(url)


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).strip()


def per_million(memory_mb: int, found: Mapping[str, Any]) -> float:
    """Dollars of a million decisions in Lambda, cold starts included, without the API in front."""
    warm = PRICES.invocation(memory_mb, found["warm_ms"]["median"])
    init = PRICES.invocation(memory_mb, found["init_ms"]["median"]) - PRICES.lambda_request
    return 1e6 * (warm + COLD_SHARE * init)


def measure() -> dict[int, dict[str, Any]]:
    """Billed durations and dollars at each memory size."""
    server = ThreadedMotoServer("0.0.0.0", 0, verbose=False)  # noqa: S104 - containers reach it
    server.start()
    _, port = server.get_host_and_port()
    bridge = _docker("network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Gateway}}")
    environ = {
        **AWS,
        "AWS_ENDPOINT_URL": f"http://{bridge}:{port}",
        "SCORELINE_STAGE": SETTINGS.stage,
        "SCORELINE_BUCKET": SETTINGS.bucket,
    }
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "germancredit.csv").write_bytes(german_credit())
        bundle = train(load_definition(MODEL), str(folder / "germancredit.csv"))
        publish(bundle, f"http://127.0.0.1:{port}")
        built = packaged("predict", folder / "predict")
        folder.chmod(0o755)
        results = {memory_mb: billed(built, memory_mb, environ) for memory_mb in MEMORY_MB}
    server.stop()
    return {
        memory_mb: {**found, "dollars_per_million": round(per_million(memory_mb, found), 3)}
        for memory_mb, found in results.items()
    }


def compared(cheapest: float) -> list[list[str]]:
    """Dollars per million at each load: Lambda, with the API in front, and the container."""
    api = 1e6 * PRICES.rest_api_request
    rows = []
    for rate in DECISIONS_PER_SECOND:
        container_cost = PRICES.container_month() / (rate * SECONDS_PER_MONTH) * 1e6
        rows.append(
            [f"{rate:g}", f"{cheapest:.2f}", f"{cheapest + api:.2f}", f"{container_cost:.2f}"]
        )
    return rows


def main() -> None:
    """Measure, print and write."""
    found = measure()
    cheapest = min(one["dollars_per_million"] for one in found.values())
    rows = [
        [memory_mb, shown(one["init_ms"]), shown(one["warm_ms"]), one["dollars_per_million"]]
        for memory_mb, one in found.items()
    ]
    head = ["memory, MB", "INIT, ms", "warm call, billed ms", "$ per million decisions"]
    load = [
        "decisions a second",
        "Lambda, $",
        "with API Gateway, $",
        "container that is always on, $",
    ]
    text = table(head, rows) + "\n" + table(load, compared(cheapest))
    results: dict[str, Any] = {"memory": found, "prices": asdict(PRICES), "cold_share": COLD_SHARE}
    write("cost", results, text)


if __name__ == "__main__":
    main()
