"""Cold start under Lambda's runtime interface emulator: predict beside what everyone writes.

Run with `make bench-cold-start`; writes bench/results/cold_start.json and .md. Processor time of
INIT is that of the runtime's process when the emulator reports its end. Predict and the handler
that everyone writes read pointer and model from a moto server over HTTP.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.contenders import PEERS
from bench.deployment import ENVIRONMENT, deployed, request
from bench.report import contenders_table, figures, in_turns, table, write
from cli.demo import APPLICATION, MODEL
from cli.seed_data import german_credit
from local.emulator import HANDLERS, Emulator, packaged
from local.template import ROOT
from scoreline.definition.files import load_definition
from training.train import train

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.train import Bundle

ROUNDS = 11
HELLO, PREDICT, LATER = "hello world", "predict", "predict, model at the first request"
EVERYONE = "what everyone writes, as sam build ships it"
EVERYONE_COMPILED = "what everyone writes, with bytecode and the runtime's boto3"
COLUMNS = {
    "init_processor_ms": "INIT, processor ms",
    "init_wall_ms": "INIT, wall ms",
    "first_call_ms": "first call ms",
    "warm_call_ms": "warm call ms",
    "times_hello": "times hello",
    "of_everyone": "of everyone's",
}


@dataclass(frozen=True, slots=True)
class Contestant:
    """A packaged function."""

    folder: Path
    handler: str
    environ: Mapping[str, str]

    def start(self) -> dict[str, float]:
        """Start it once, call it a few times; what that takes in ms."""
        with Emulator(self.folder, self.handler, self.environ) as emulator:
            first, *warm = (emulator.call(request(APPLICATION)) for _ in range(6))
            if first.answer.get("statusCode") != 200:
                raise RuntimeError(f"{self.handler}: {first.answer}")
        return {
            "init_processor_ms": emulator.init_cpu_ms,
            "init_wall_ms": emulator.init_wall_ms,
            "first_call_ms": first.wall_ms - emulator.init_wall_ms,
            "warm_call_ms": statistics.median(call.wall_ms for call in warm),
        }

    def size_mb(self) -> float:
        """Size of the package, unzipped."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return round(sum(path.stat().st_size for path in files) / 1e6, 1)


def peer(folder: Path, *packages: str, compiled: bool = False) -> Path:
    """A handler of `bench/peers` with packages as pip installs them, without bytecode."""
    python = ROOT / ".venv" / "bin" / "python"
    shutil.copytree(PEERS, folder)
    if packages:
        command = [os.environ.get("UV", "uv"), "pip", "install", "--quiet", "--target", folder]
        command += ["--constraint", ROOT / "requirements" / "bench.txt", *packages]
        subprocess.run([*command, "--python", python], check=True)
    for cache in folder.rglob("__pycache__"):
        shutil.rmtree(cache)
    if compiled:
        subprocess.run([python, "-m", "compileall", "-q", "-j", "0", folder], check=True)
    return folder


def contestants(folder: Path, port: int) -> dict[str, Contestant]:
    """Every contestant, packaged."""
    environ = {**ENVIRONMENT, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    ours = packaged("predict", folder / "predict")
    plain = peer(folder / "plain")
    heavy = ("onnxruntime", "aws-lambda-powertools[tracer]", "boto3")
    fat = peer(folder / "everyone", *heavy)
    compiled = peer(folder / "compiled", *heavy[:2], compiled=True)
    return {
        HELLO: Contestant(plain, "hello.lambda_handler", {}),
        PREDICT: Contestant(ours, HANDLERS["predict"], environ),
        LATER: Contestant(ours, "functions.predict.routes.lambda_handler", environ),
        EVERYONE: Contestant(fat, "everyone.lambda_handler", environ),
        EVERYONE_COMPILED: Contestant(compiled, "everyone.lambda_handler", environ),
    }


def demo_bundle() -> Bundle:
    """The model of `make demo`, trained."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "germancredit.csv")
        path.write_bytes(german_credit())
        return train(load_definition(MODEL), str(path))


def main() -> None:
    """Measure, print and write."""
    with TemporaryDirectory() as folder, deployed(MODEL, demo_bundle()) as port:
        found = contestants(Path(folder), port)
        rounds = in_turns({name: one.start for name, one in found.items()}, ROUNDS)
        sizes = {name: one.size_mb() for name, one in found.items()}
    init = "init_processor_ms"
    results = figures(rounds, times_hello=(init, HELLO), of_everyone=(init, EVERYONE))
    text = contenders_table("function", results, COLUMNS)
    text += "\n" + table(["function", "MB unzipped"], list(sizes.items()))
    write("cold_start", {"functions": results, "unzipped_mb": sizes}, text, rounds=ROUNDS)


if __name__ == "__main__":
    main()
