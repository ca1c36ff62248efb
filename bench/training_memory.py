"""Peak memory of training against the estimate that refuses a dataset before it is read.

Each case trains on invented rows in a process of its own, whose largest resident set the kernel
reports. The estimate has to stay above the peak, and not far above it.

    python -m bench.training_memory [LARGEST_ROWS]
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pyarrow import csv, parquet
from rich.console import Console
from rich.table import Table

from scoreline.definition.files import load_definition
from training.data.memory import estimate_mb
from training.generators.registry import generate, write

# Model, algorithm, rows, kind of file.
CASES = (
    ("loan-risk", "xgboost", 20_000, "parquet"),
    ("loan-risk", "random_forest", 20_000, "parquet"),
    ("loan-risk", "xgboost", 100_000, "parquet"),
    ("loan-risk", "xgboost", 100_000, "csv"),
    ("loan-risk", "xgboost", 300_000, "parquet"),
    ("loan-risk", "lightgbm", 300_000, "parquet"),
    ("loan-risk", "logistic_regression", 300_000, "parquet"),
    ("credit-card", "xgboost", 300_000, "parquet"),
    ("loan-risk", "xgboost", 1_000_000, "parquet"),
)
RESULTS = Path(__file__).parent / "results" / "training_memory.json"

TRAIN = """
import resource, sys
from dataclasses import replace
from scoreline.definition.files import load_definition
from training.train import train

definition = load_definition(sys.argv[1])
algorithm = definition.algorithm.model_copy(update={"name": sys.argv[2]})
plain = {
    "algorithm": algorithm,
    "features": tuple(replace(f, monotone=None, age=False) for f in definition.features),
    "derived": tuple(replace(f, monotone=None) for f in definition.derived),
}
train(definition.model_copy(update=plain), sys.argv[3])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_mb(model: str, algorithm: str, path: Path) -> int:
    """Largest resident set of a training run, MiB."""
    command = [sys.executable, "-c", TRAIN, model, algorithm, str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout)


def invent(model: str, rows: int, kind: str, folder: Path) -> Path:
    """A file of invented rows."""
    path = folder / f"{model}.parquet"
    write(path, generate(model, rows, 1), lambda _: None)
    if kind == "csv":
        csv.write_csv(parquet.read_table(path), path.with_suffix(".csv"))
    return path.with_suffix(f".{kind}")


def main() -> None:
    """Measure all cases, write and show them."""
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else CASES[-1][2]
    console = Console(width=120)
    table = Table("model", "algorithm", "rows", "file", "peak MiB", "estimate MiB", "ratio")
    results = []
    for model, algorithm, rows, kind in (case for case in CASES if case[2] <= largest):
        with TemporaryDirectory() as folder, console.status(f"{model} {algorithm} {rows:,} {kind}"):
            path = invent(model, rows, kind, Path(folder))
            estimate = estimate_mb(load_definition(model), str(path))
            peak = peak_mb(model, algorithm, path)
        case = {"model": model, "algorithm": algorithm, "rows": rows, "file": kind}
        results.append({**case, "peak_mib": peak, "estimate_mib": estimate})
        ratio = f"{estimate / peak:.2f}"
        table.add_row(model, algorithm, f"{rows:,}", kind, f"{peak:,}", f"{estimate:,}", ratio)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    console.print(table)


if __name__ == "__main__":
    main()
