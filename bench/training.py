"""A million applications from Parquet to a published version, beside a bare XGBoost fit.

Each runs in a process of its own, in turns. The bare fit gets the training rows as the float32
columns that the pipeline makes of them, and the same parameters, directions and one thread; ours
reads, fits, calibrates, evaluates, exports, holds the gates, renders the report and publishes to
S3 (moto in the same process). Seconds are those of the processor, which others who use the machine
change less than those of the clock. Memory is the largest resident set above that of the imported
libraries.

    python -m bench.training [ROWS] [ROUNDS]
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import report

if TYPE_CHECKING:
    from collections.abc import Callable

    from scoreline.definition.model import Definition

MODEL = "loan-risk"
ROWS, ROUNDS = 1_000_000, 5
MIB = 1 << 20
REPORT_STEP = "figures of the report"
STATUS = Path("/proc/self/status")
MOTO = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}
HEAD = ("run", "processor, s", "clock, s", "peak, MiB")


def main() -> None:
    """Measure in turns, write and print."""
    rows, rounds = (int(value) for value in [*sys.argv[1:], ROWS, ROUNDS][:2])
    with TemporaryDirectory() as name:
        folder = Path(name)
        size_mib = prepare(folder, rows)
        calls = {run: lambda run=run: measure(run, folder) for run in ("ours", "bare")}
        measured = report.in_turns(calls, rounds)
    results = summary(measured, size_mib)
    report.write("training", {"rows": rows, "rounds": rounds, **results}, shown(results))


def prepare(folder: Path, rows: int) -> float:
    """Write the dataset, and the design matrix of its training rows; returns MiB for all rows."""
    from training.data.dataset import load_dataset
    from training.data.split import split_rows
    from training.generators.registry import generate, write
    from training.graph.features import FeatureGraph

    write(folder / "loans.parquet", generate(MODEL, rows, 1), lambda _: None)
    definition = _definition()
    dataset = load_dataset(definition, str(folder / "loans.parquet"))
    fitted, _ = split_rows(definition.split, dataset)
    columns = FeatureGraph(definition.contract()).transform(dataset.X[fitted])
    np.save(folder / "columns.npy", columns)
    np.save(folder / "y.npy", dataset.y[fitted])
    return len(dataset.y) * columns.shape[1] * columns.itemsize / MIB


def measure(run: str, folder: Path) -> dict[str, Any]:
    """What a run takes in a new process."""
    command = [sys.executable, "-c", f"from bench.training import {run}; {run}()", str(folder)]
    environment = {**os.environ, **MOTO}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def ours() -> None:
    """Read, train and publish."""
    import boto3
    import xgboost  # noqa: F401 - imported before the memory is looked at
    from moto import mock_aws

    from scoreline.aws.registry import ModelRegistry
    from scoreline.core.settings import Settings
    from training.train import train

    settings = Settings.for_account("bench", "123456789012")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=settings.bucket)
        registry = ModelRegistry.connect(settings)

        def run(progress: Callable[[str], None]) -> float:
            path = str(Path(sys.argv[1], "loans.parquet"))
            bundle = train(_definition(), path, progress=progress)
            progress("publishing")
            registry.publish(MODEL, bundle.version, bundle.files)
            return bundle.score

        _report(run)


def bare() -> None:
    """Fit XGBoost on the design matrix."""
    from training.fit.algorithms import ESTIMATORS
    from training.graph.features import FeatureGraph

    definition, folder = _definition(), Path(sys.argv[1])
    columns = FeatureGraph(definition.contract()).columns_
    [(_, classifier)] = ESTIMATORS["xgboost"].steps(definition.algorithm.parameters, columns)

    def run(progress: Callable[[str], None]) -> float:
        X, y = (np.load(folder / name) for name in ("columns.npy", "y.npy"))
        progress("fit")
        classifier.fit(X, y)
        return 0.0

    _report(run)


def _report(run: Callable[[Callable[[str], None]], float]) -> None:
    """Print what a run takes, and when each of its steps began."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = _status_mib("VmRSS")
    clock, processor = time.perf_counter(), time.process_time()
    steps: dict[str, float] = {}
    score = run(lambda step: steps.setdefault(step, time.process_time() - processor))
    figures = {
        "processor_s": time.process_time() - processor,
        "clock_s": time.perf_counter() - clock,
        "peak_mib": _status_mib("VmHWM") - before,
        "score": score,
        "steps": steps,
    }
    print(json.dumps(figures))


def _status_mib(field: str) -> float:
    [kib] = re.findall(rf"{field}:\s+(\d+)", STATUS.read_text())
    return int(kib) / 1024


def _definition() -> Definition:
    from scoreline.definition.files import load_definition

    return load_definition(MODEL)


def summary(measured: dict[str, list[dict[str, Any]]], size_mib: float) -> dict[str, Any]:
    """Medians with quartiles, ratios round by round, seconds of each step."""
    results: dict[str, Any] = {"float32_matrix_mib": round(size_mib, 1)}
    for key in ("processor_s", "clock_s", "peak_mib"):
        values = {run: [round_[key] for round_ in rounds] for run, rounds in measured.items()}
        results[key] = {run: report.spread(of_run) for run, of_run in values.items()}
        results[key]["ours_to_bare"] = report.ratios(values["ours"], values["bare"])
    peaks = [round_["peak_mib"] / size_mib for round_ in measured["ours"]]
    results["peak_to_matrix"] = report.spread(peaks)
    results["test_auc"] = measured["ours"][-1]["score"]
    results["steps"] = _durations(measured["ours"][-1])
    without = [
        (ours["processor_s"] - _durations(ours)[REPORT_STEP]) / bare["processor_s"]
        for ours, bare in zip(measured["ours"], measured["bare"], strict=True)
    ]
    results["ours_without_report_to_bare"] = report.spread(without)
    return results


def _durations(figures: dict[str, Any]) -> dict[str, float]:
    """Seconds of the processor in each step."""
    names, began = list(figures["steps"]), list(figures["steps"].values())
    ends = [*began[1:], figures["processor_s"]]
    return {
        re.sub(r"^reading .*", "reading", name): round(end - begin, 2)
        for name, begin, end in zip(names, began, ends, strict=True)
    }


def shown(results: dict[str, Any]) -> str:
    """The tables."""
    keys = ("processor_s", "clock_s", "peak_mib")
    names = {
        "ours": "Scoreline: Parquet to a published version",
        "bare": "XGBoost: fit of the training rows' columns",
        "ours_to_bare": "times the bare fit",
    }
    rows = [
        [name, *(report.shown(results[key][run]) for key in keys)] for run, name in names.items()
    ]
    matrix = f"{results['float32_matrix_mib']:g} MiB"
    rows.append(["without the report's figures, times the bare fit"])
    rows[-1] += [report.shown(results["ours_without_report_to_bare"]), "", ""]
    rows.append([f"times the float32 matrix of {matrix}", "", ""])
    rows[-1].append(report.shown(results["peak_to_matrix"]))
    steps = [[name, seconds] for name, seconds in results["steps"].items()]
    return report.table(HEAD, rows) + "\n" + report.table(("step", "processor, s"), steps)


if __name__ == "__main__":
    main()
