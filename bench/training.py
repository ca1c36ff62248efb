"""A million applications from Parquet to a published version, beside a bare XGBoost fit.

Run with `python -m bench.training [ROWS]`. Each runs in a process of its own. The bare fit gets the
training rows' float32 columns, the same parameters, directions and one thread; ours does everything
up to publishing to S3 (moto in the same process). Memory is that above the imported libraries.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import report
from bench.deployment import ENVIRONMENT, SETTINGS
from scoreline.definition.files import load_definition

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "loan-risk"
ROWS, ROUNDS = 1_000_000, 3
BARE = "XGBoost: fit of the training rows' columns"
RUNS = {"Scoreline: Parquet to a published version": "ours", BARE: "bare"}
COLUMNS = {"processor_s": "processor, s", "wall_s": "wall, s", "peak_mib": "peak MiB"}


def prepare(folder: Path, rows: int) -> None:
    """Write the dataset, and the design matrix of its training rows."""
    from training.data.load import load_dataset
    from training.data.split import split_rows
    from training.generators.registry import generate, write
    from training.graph.features import FeatureGraph

    write(folder / "loans.parquet", generate(MODEL, rows, 1), lambda _: None)
    definition = load_definition(MODEL)
    dataset = load_dataset(definition, str(folder / "loans.parquet"))
    fitted, _ = split_rows(definition.split, dataset)
    columns = FeatureGraph(definition.contract()).transform(dataset.X[fitted])
    np.save(folder / "X.npy", columns)
    np.save(folder / "y.npy", dataset.y[fitted])


def measure(run: str, folder: Path) -> dict[str, Any]:
    """The figures of a run in a new process."""
    command = [sys.executable, "-c", f"from bench.training import {run}; {run}()", str(folder)]
    environ = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environ)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def ours() -> None:
    """Read, train and publish."""
    import boto3
    import xgboost  # noqa: F401 - imported before the memory is looked at
    from moto import mock_aws

    from scoreline.aws.registry import ModelRegistry
    from training.train import train

    def run() -> None:
        bundle = train(load_definition(MODEL), str(Path(sys.argv[1], "loans.parquet")))
        registry.publish(MODEL, bundle.version, bundle.files)

    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=SETTINGS.bucket)
        registry = ModelRegistry.connect(SETTINGS)
        _print_figures(run)


def bare() -> None:
    """Fit XGBoost on the design matrix."""
    from training.fit.algorithms import ESTIMATORS
    from training.graph.features import FeatureGraph

    definition, folder = load_definition(MODEL), Path(sys.argv[1])
    columns = FeatureGraph(definition.contract()).columns_
    [(_, classifier)] = ESTIMATORS["xgboost"].steps(definition.algorithm.parameters, columns)
    _print_figures(lambda: classifier.fit(*(np.load(folder / n) for n in ("X.npy", "y.npy"))))


def _print_figures(run: Callable[[], object]) -> None:
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = _status_mib("VmRSS")
    timing = report.timed(run)
    figures = {"processor_s": timing.processor, "wall_s": timing.wall[0]}
    print(json.dumps({**figures, "peak_mib": _status_mib("VmHWM") - before}))


def _status_mib(field: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) / 1024


def main() -> None:
    """Measure in turns, print and write."""
    rows = int(sys.argv[1]) if len(sys.argv) == 2 else ROWS
    with TemporaryDirectory() as name:
        prepare(Path(name), rows)
        calls = {title: partial(measure, run, Path(name)) for title, run in RUNS.items()}
        rounds = report.in_turns(calls, ROUNDS)
    results = report.figures(rounds, **{f"{key} times": (key, BARE) for key in COLUMNS})
    times = {
        f"{key} times": f"{title.partition(',')[0]}, times bare" for key, title in COLUMNS.items()
    }
    text = report.contenders_table(f"{rows:,} rows", results, {**COLUMNS, **times})
    report.write("training", results, text, rows=rows, rounds=ROUNDS)


if __name__ == "__main__":
    main()
