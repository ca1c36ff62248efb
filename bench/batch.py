"""`scoreline batch` from Parquet to Parquet against the bare graph, and its memory at any size.

Run with `python -m bench.batch`; writes bench/results/batch.json and .md. The bare graph scores
encoded rows that are in memory already, by the same runs on as many threads, and keeps nothing but
the outputs. The two take turns, so that a busy machine slows them alike: read the ratio. Each run
from file to file is a process of its own, which tells its peak of resident memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pyarrow as pa

from batch.answer_columns import SCORES
from batch.model import BatchModel
from batch.run import Batch
from bench import report
from scoreline.core.versions import BATCH_FILE
from scoreline.scoring.many_rows import ROWS_PER_RUN, open_session
from training.generators.registry import generate, write

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODEL = "loan-risk"
TRAINING_ROWS = 20_000
SIZES = (1_000_000, 10_000_000)
ROUNDS = 3
THREADS = os.process_cpu_count() or 1


def measure(folder: Path) -> dict[str, object]:
    """All figures, with files in a folder."""
    # Imported here, so that the processes whose memory counts do without.
    from scoreline.definition.files import load_definition
    from training.train import train

    graph = folder / BATCH_FILE
    write(folder / "training.parquet", generate(MODEL, TRAINING_ROWS, seed=1))
    bundle = train(load_definition(MODEL), str(folder / "training.parquet"))
    graph.write_bytes(bundle.files[BATCH_FILE])
    for size in SIZES:
        write(folder / f"{size}.parquet", generate(MODEL, size, seed=2))
    X = encoded_rows(graph, folder / f"{SIZES[0]}.parquet")
    rounds = [(bare_rows_per_s(graph, X), from_file(graph, SIZES[0])) for _ in range(ROUNDS)]
    ratios = sorted(float(whole["rows_per_s"]) / bare for bare, whole in rounds)
    largest = from_file(graph, SIZES[-1])
    return {
        "bare_rows_per_s": round(float(np.median([bare for bare, _ in rounds]))),
        "batch_rows_per_s": round(float(np.median([w["rows_per_s"] for _, w in rounds]))),
        "batch_to_bare": {
            "median": round(float(np.median(ratios)), 3),
            "lowest": round(ratios[0], 3),
            "highest": round(ratios[-1], 3),
        },
        "peak_mb": {
            f"{SIZES[0]:,} rows": round(max(w["peak_mb"] for _, w in rounds)),
            f"{SIZES[-1]:,} rows": round(largest["peak_mb"]),
        },
        "largest_rows_per_s": round(largest["rows_per_s"]),
    }


def encoded_rows(graph: Path, source: Path) -> NDArray[np.float32]:
    """All rows of a file as the graph takes them, shape (n_rows, n_features)."""
    batch = Batch.of(_model(graph), str(source), source.with_suffix(".unused.parquet"))
    parts = batch.source.parts(batch.encoder.columns, batch.part_rows, 0)
    return np.concatenate([batch.encoder.encode(table).X.T for _, table in parts])


def bare_rows_per_s(graph: Path, X: NDArray[np.float32]) -> float:
    """Rows per second of the graph alone."""
    session = open_session(graph.read_bytes())

    def score(thread: int) -> list[list[NDArray[np.float32]]]:
        starts = range(thread * ROWS_PER_RUN, len(X), THREADS * ROWS_PER_RUN)
        plain = {"explain": np.array(False)}
        return [session.run(SCORES, {"X": X[i : i + ROWS_PER_RUN], **plain}) for i in starts]

    with ThreadPoolExecutor(THREADS) as pool:
        started = perf_counter()
        list(pool.map(score, range(THREADS)))
        return len(X) / (perf_counter() - started)


def from_file(graph: Path, size: int) -> dict[str, float]:
    """Rows per second and peak memory of a process that scores a file."""
    command = [sys.executable, "-m", "bench.batch", str(graph), str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def score_file(graph: Path, size: int) -> None:
    """What `from_file` starts."""
    source, output = graph.with_name(f"{size}.parquet"), graph.with_name("scores.parquet")
    batch = Batch.of(_model(graph), str(source), output)
    started = perf_counter()
    summary = batch.run(lambda _done, _total: None)
    seconds = perf_counter() - started
    if (summary.rows, summary.rejected) != (size, 0):
        raise AssertionError(f"{summary.rejected} of {summary.rows} rows are rejected")
    peak_mb = getrusage(RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows_per_s": summary.rows / seconds, "peak_mb": peak_mb}))


def table(result: dict[str, object]) -> str:
    """The figures as a Markdown table."""
    lines = ["| figure | |", "|---|---|"]
    for name, value in result.items():
        pairs = value.items() if isinstance(value, dict) else [("", value)]
        for part, number in pairs:
            shown = f"{number:,}" if isinstance(number, int) else number
            lines.append(f"| {name} {part} | {shown} |".replace("  ", " "))
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print and write."""
    if len(sys.argv) == 3:
        score_file(Path(sys.argv[1]), int(sys.argv[2]))
        return
    with TemporaryDirectory() as folder:
        result = measure(Path(folder))
    libraries = {"onnxruntime": onnxruntime.__version__, "pyarrow": pa.__version__}
    report.write("batch", result, table(result), **libraries, threads=THREADS, model=MODEL)


def _model(graph: Path) -> BatchModel:
    return BatchModel(open_session(graph.read_bytes()), "")


if __name__ == "__main__":
    main()
