"""Cold start under Lambda's runtime interface emulator: predict against what everyone writes.

Run with `make bench-cold-start`; writes bench/results/cold_start.json and .md. Each round starts
every contestant once, so that a busy machine slows them alike: read the ratios. Page cache warm.

CPU time of INIT is that of the runtime's process when the emulator reports the end of INIT: the
interpreter, Lambda's runtime client, the handler's imports and what it does while being imported.
Predict and the handler that everyone writes both read pointer and model from a moto server over
HTTP, predict in INIT or, where it says so, at the first request.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import boto3
from moto.server import ThreadedMotoServer

from bench.report import ratios, shown, spread, table, write
from cli.demo import APPLICATION, MODEL
from cli.seed_data import german_credit
from local.emulator import Emulator, packaged
from local.template import ROOT
from scoreline.aws.registry import ModelRegistry
from scoreline.core.settings import Settings
from scoreline.core.versions import MODEL_FILE, Pointer, Routing, VersionRef, digest
from scoreline.definition.files import load_definition
from training.train import train

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.train import Bundle

PEERS = Path(__file__).parent / "peers"
ROUNDS = 11
SETTINGS = Settings.for_account("bench", "123456789012")
AWS = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
}
SCORE = {
    "resource": "/predict",
    "path": "/predict",
    "httpMethod": "POST",
    "headers": {},
    "pathParameters": None,
    "requestContext": {"resourcePath": "/predict", "httpMethod": "POST", "stage": "bench"},
    "body": json.dumps(APPLICATION),
    "isBase64Encoded": False,
}

HELLO, PREDICT, LATER = "hello world", "predict", "predict, model at the first request"
ONNX_ONLY = "onnxruntime and the session, nothing else"
EVERYONE = "what everyone writes, as sam build ships it"
EVERYONE_COMPILED = "what everyone writes, with bytecode and the runtime's boto3"


@dataclass
class Contestant:
    """A function: its folder, handler and environment, and what its starts cost."""

    folder: Path
    handler: str
    environ: Mapping[str, str]
    init_cpu_ms: list[float] = field(default_factory=list)
    init_wall_ms: list[float] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)
    warm_ms: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it once, and call it a few times."""
        with Emulator(self.folder, self.handler, self.environ) as emulator:
            first, *warm = (emulator.call(SCORE) for _ in range(6))
            if first.answer.get("statusCode") != 200:
                raise RuntimeError(f"{self.handler}: {first.answer}")
        self.init_cpu_ms.append(emulator.init_cpu_ms)
        self.init_wall_ms.append(emulator.init_wall_ms)
        self.first_ms.append(first.wall_ms - emulator.init_wall_ms)
        self.warm_ms.append(statistics.median(call.wall_ms for call in warm))


def peer(folder: Path, *packages: str, compiled: bool = False) -> Path:
    """A handler of `bench/peers` with packages as pip installs them, without bytecode."""
    shutil.copytree(PEERS, folder)
    if packages:
        command = [os.environ.get("UV", "uv"), "pip", "install", "--quiet", "--target", folder]
        command += ["--constraint", ROOT / "requirements" / "bench.txt", *packages]
        subprocess.run([*command, "--python", ROOT / ".venv" / "bin" / "python"], check=True)
    for cache in folder.rglob("__pycache__"):
        shutil.rmtree(cache)
    if compiled:
        python = ROOT / ".venv" / "bin" / "python"
        subprocess.run([python, "-m", "compileall", "-q", "-j", "0", folder], check=True)
    return folder


def contestants(folder: Path, url: str, model: Path) -> dict[str, Contestant]:
    """Every contestant, packaged."""
    local = {**AWS, "AWS_ENDPOINT_URL": url}
    local |= {"SCORELINE_STAGE": SETTINGS.stage, "SCORELINE_BUCKET": SETTINGS.bucket}
    ours = packaged("predict", folder / "predict")
    plain = peer(folder / "plain")
    heavy = ("onnxruntime", "aws-lambda-powertools[tracer]", "boto3")
    fat = peer(folder / "everyone", *heavy)
    compiled = peer(folder / "compiled", *heavy[:2], compiled=True)
    only = peer(folder / "onnx-only", heavy[0], compiled=True)
    handler = "everyone.lambda_handler"
    return {
        HELLO: Contestant(plain, "hello.lambda_handler", {}),
        PREDICT: Contestant(ours, "functions.predict.handler.lambda_handler", local),
        LATER: Contestant(ours, "functions.predict.routes.lambda_handler", local),
        ONNX_ONLY: Contestant(only, "onnx_only.lambda_handler", {"MODEL_PATH": str(model)}),
        EVERYONE: Contestant(fat, handler, local),
        EVERYONE_COMPILED: Contestant(compiled, handler, local),
    }


def publish(bundle: Bundle, url: str) -> None:
    """Bucket, routing and champion on the moto server."""
    os.environ.update({**AWS, "AWS_ENDPOINT_URL": url})
    boto3.client("s3").create_bucket(Bucket=SETTINGS.bucket)
    registry = ModelRegistry.connect(SETTINGS)
    registry.publish(MODEL, bundle.version, bundle.files)
    champion = VersionRef(bundle.version, digest(bundle.files[MODEL_FILE]))
    registry.write_pointer(MODEL, Pointer(champion))
    registry.write_routing(Routing(MODEL, {}))


def figures(measured: Mapping[str, Contestant]) -> dict[str, Any]:
    """What is written down."""
    hello, everyone = (measured[name].init_cpu_ms for name in (HELLO, EVERYONE))
    return {
        name: {
            "init_cpu_ms": spread(one.init_cpu_ms),
            "init_wall_ms": spread(one.init_wall_ms),
            "first_call_ms": spread(one.first_ms),
            "warm_call_ms": spread(one.warm_ms),
            "times_hello": ratios(one.init_cpu_ms, hello),
            "of_everyone": ratios(one.init_cpu_ms, everyone),
            "unzipped_mb": round(_size(one.folder) / 1e6, 1),
        }
        for name, one in measured.items()
    }


def lines(results: Mapping[str, Any]) -> str:
    """The figures as a Markdown table."""
    columns = ("init_cpu_ms", "init_wall_ms", "first_call_ms", "warm_call_ms", "times_hello")
    head = ["function", "INIT, CPU ms", "INIT, wall ms", "first call ms", "warm call ms", "x hello"]
    rows = [
        [name, *(shown(one[column]) for column in (*columns, "of_everyone")), one["unzipped_mb"]]
        for name, one in results.items()
    ]
    return table([*head, "of everyone's", "MB unzipped"], rows)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Measure, print and write."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "germancredit.csv").write_bytes(german_credit())
        bundle = train(load_definition(MODEL), str(folder / "germancredit.csv"))
        (folder / MODEL_FILE).write_bytes(bundle.files[MODEL_FILE])
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        url = "http://{}:{}".format(*server.get_host_and_port())
        publish(bundle, url)
        measured = contestants(folder, url, folder / MODEL_FILE)
        for number in range(ROUNDS + 1):
            for one in measured.values():
                one.start()
            print(f"round {number} of {ROUNDS}", flush=True)
        for one in measured.values():  # the first round fills the page cache
            for values in (one.init_cpu_ms, one.init_wall_ms, one.first_ms, one.warm_ms):
                del values[0]
        server.stop()
        results = figures(measured)
    write("cold_start", {"rounds": ROUNDS, "functions": results}, lines(results))


if __name__ == "__main__":
    main()
