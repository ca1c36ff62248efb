"""`scoreline batch` from Parquet to Parquet beside the bare graph, and its memory at two sizes.

Run with `python -m bench.batch`; writes bench/results/batch.json and .md. The bare graph scores
encoded rows that are in memory, in the same runs on as many threads. Each run from file to file is
a process of its own, which reports its peak memory.
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
from typing import TYPE_CHECKING, Any

import numpy as np

from batch.answer_columns import SCORES
from batch.model import BatchModel
from batch.run import Batch
from bench.report import Timing, contenders_table, figures, in_turns, table, timed, write
from scoreline.core.versions import BATCH_FILE
from scoreline.scoring.many_rows import EXPLAIN, ROWS_PER_RUN, open_session
from training.generators import registry as generators

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODEL, TRAINING_ROWS = "loan-risk", 20_000
ROWS, MANY_ROWS = 1_000_000, 10_000_000
ROUNDS = 3
THREADS = os.process_cpu_count() or 1
COLUMNS = {"rows_s": "rows/s", "busy_s": "rows/s of processor", "of_bare": "of the graph alone"}
BARE, BATCH = "the graph alone, on encoded rows in memory", "scoreline batch, Parquet to Parquet"


def prepare(folder: Path) -> Path:
    """Write the applications and a trained graph; the path of the graph."""
    # Imported here, so that the processes whose memory counts do without.
    from scoreline.definition.files import load_definition
    from training.train import train

    graph = folder / BATCH_FILE
    generators.write(folder / "training.parquet", generators.generate(MODEL, TRAINING_ROWS, seed=1))
    bundle = train(load_definition(MODEL), str(folder / "training.parquet"))
    graph.write_bytes(bundle.files[BATCH_FILE])
    for rows in (ROWS, MANY_ROWS):
        generators.write(folder / f"{rows}.parquet", generators.generate(MODEL, rows, seed=2))
    return graph


def open_batch(graph: Path, rows: int) -> Batch:
    """The batch of a file of so many rows."""
    model = BatchModel(open_session(graph.read_bytes()), "")
    return Batch.of(model, str(graph.with_name(f"{rows}.parquet")), graph.with_name("out.parquet"))


def encoded(graph: Path) -> NDArray[np.float32]:
    """All rows of the smaller file as the graph takes them, shape (n_rows, n_features)."""
    batch = open_batch(graph, ROWS)
    parts = batch.source.parts(batch.encoder.columns, batch.part_rows, 0)
    return np.concatenate([batch.encoder.encode(rows).X.T for _, rows in parts])


def speed(timing: Timing, rows: int) -> dict[str, float]:
    """Rows per second, of the clock and of the processor."""
    processor = rows / timing.processor
    return {"rows_s": rows / sum(timing.wall), "busy_s": processor}


def bare(graph: Path, X: NDArray[np.float32]) -> dict[str, float]:
    """Score rows with the graph alone."""
    session, plain = open_session(graph.read_bytes()), {EXPLAIN: np.array(False)}

    def score(thread: int) -> None:
        for i in range(thread * ROWS_PER_RUN, len(X), THREADS * ROWS_PER_RUN):
            session.run(SCORES, {"X": X[i : i + ROWS_PER_RUN], **plain})

    with ThreadPoolExecutor(THREADS) as pool:
        return speed(timed(lambda: list(pool.map(score, range(THREADS)))), len(X))


def from_file(graph: Path, rows: int) -> dict[str, float]:
    """Rows per second and peak memory of a process that scores a file."""
    command = [sys.executable, "-m", "bench.batch", str(graph), str(rows)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def score_file(graph: Path, rows: int) -> None:
    """Score a file and print the figures; `from_file` runs this in a process of its own."""
    batch = open_batch(graph, rows)
    timing = timed(lambda: batch.run(lambda _done, _total: None))
    peak_mb = getrusage(RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**speed(timing, rows), "peak_mb": peak_mb}))


def measure(graph: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Rows per second of both, how long they keep the processor, and memory at two sizes."""
    X = encoded(graph)
    calls = {BARE: lambda: bare(graph, X), BATCH: lambda: from_file(graph, ROWS)}
    rounds = in_turns(calls, ROUNDS)
    peaks = {ROWS: max(one["peak_mb"] for one in rounds[BATCH])}
    peaks[MANY_ROWS] = from_file(graph, MANY_ROWS)["peak_mb"]
    results = figures(rounds, of_bare=("busy_s", BARE))
    return results, {f"{rows:,} rows": round(mb) for rows, mb in peaks.items()}


def main() -> None:
    """Measure, print and write."""
    if len(sys.argv) == 3:
        score_file(Path(sys.argv[1]), int(sys.argv[2]))
        return
    with TemporaryDirectory() as folder:
        results, peaks = measure(prepare(Path(folder)))
    text = contenders_table(f"{ROWS:,} rows, {THREADS} threads", results, COLUMNS)
    text += "\n" + table(["scoreline batch", "peak memory, MB"], list(peaks.items()))
    write("batch", {**results, "peak_mb": peaks}, text, threads=THREADS, model=MODEL)


if __name__ == "__main__":
    main()
