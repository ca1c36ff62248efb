"""Exact contributions in the graph against XGBoost's own: latency, throughput, size and loading.

Run with `python -m bench.contributions`; writes bench/results/contributions.json and .md. One
thread throughout. The contestants take turns within each round, so that a busy machine slows them
alike: read the ratios.
"""

from __future__ import annotations

import statistics
from functools import partial
from itertools import cycle
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import xgboost as xgb

from bench.report import write
from scoreline.scoring.many_rows import ROWS_PER_EXPLAINED_RUN
from training.graph.builder import GraphBuilder
from training.graph.contributions import add_tree_contributions
from training.graph.tree_ensemble import add_exact_tree_ensemble
from training.graph.trees import Ensemble, read_ensemble

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

N_FEATURES = 17
N_REASONS = 4
N_TREES = 300
DEPTHS = (4, 6)
BATCH_ROWS = 10_000
CHUNK_ROWS = (64, ROWS_PER_EXPLAINED_RUN, 1024)
ROUNDS = 7


def credit_rows(n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Invented applicants: amounts, ages, counts, shares, small codes; three columns have gaps."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, N_FEATURES))
    X[:, 5] = np.exp(X[:, 5]) * 30_000
    X[:, 6] = np.round(np.exp(X[:, 6] * 0.8) * 9_000, 2)
    X[:, 7] = rng.integers(18, 76, n)
    X[:, 8] = rng.poisson(2, n)
    X[:, 9] = rng.integers(300, 851, n)
    X[:, 10] = rng.integers(0, 60, n)
    X[:, 11] = rng.random(n)
    X[:, 14:] = rng.integers(0, 5, (n, 3))
    log_odds = X[:, 0] + X[:, 1] * X[:, 2] + (X[:, 14] == 0) - 0.004 * (X[:, 9] - 600)
    log_odds += 0.3 * np.log(X[:, 6] / X[:, 5]) + 0.05 * X[:, 8] * X[:, 4] + 2 * (X[:, 11] > 0.8)
    log_odds += 0.4 * (X[:, 15] == 2) * X[:, 12] + rng.logistic(size=n)
    for column in (3, 11, 13):
        X[rng.random(n) < 0.1, column] = np.nan
    return X.astype(np.float32), (log_odds > np.median(log_odds) + 1.2).astype(np.int64)


def scoring_graph(ensemble: Ensemble, *, many_rows: bool = False) -> bytes:
    """Probability, raw output, all contributions and the largest four in one run."""
    graph = GraphBuilder()
    X = graph.transposed("X") if many_rows else "X"
    added = add_tree_contributions(
        graph, X, ensemble, range(N_FEATURES), N_FEATURES, many_rows=many_rows
    )
    count = graph.constant([N_REASONS], np.int64)
    largest, _ = graph.nodes("TopK", added.contributions, count, outputs=2, axis=1)
    outputs = {
        "probability": (graph.node("Sigmoid", added.raw), 1),
        "raw": (added.raw, 1),
        "contributions": (added.contributions, N_FEATURES),
        "largest": (largest, N_REASONS),
    }
    return bytes(graph.model({"X": N_FEATURES}, outputs).SerializeToString())


def tree_graph(ensemble: Ensemble) -> bytes:
    """Raw output alone, as ONNX Runtime's TreeEnsembleRegressor."""
    graph = GraphBuilder()
    outputs = {"raw": (add_exact_tree_ensemble(graph, "X", ensemble), 1)}
    return bytes(graph.model({"X": N_FEATURES}, outputs).SerializeToString())


def session(content: bytes) -> onnxruntime.InferenceSession:
    """A session of one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def latencies_us(calls: dict[str, Callable[[], object]]) -> dict[str, dict[str, float]]:
    """Median, 99th and 5th percentile per call, in turns of 100 calls.

    The 5th is that of calls which nothing else on the machine interrupted.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            for _ in range(100):
                start = perf_counter()
                call()
                times[name].append((perf_counter() - start) * 1e6)
    return {
        name: {f"p{q}": round(float(np.percentile(t, q)), 1) for q in (50, 99, 5)}
        for name, t in times.items()
    }


def cpu_seconds(
    calls: dict[str, Callable[[], object]], pick: Callable[[list[float]], float]
) -> dict[str, float]:
    """One of the rounds' CPU seconds per call."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = process_time()
            call()
            times[name].append(process_time() - start)
    return {name: float(pick(t)) for name, t in times.items()}


def times_faster(one_row: dict[str, dict[str, float]], rows: str) -> float:
    """Of uninterrupted calls: a busy machine lengthens the median of long calls more."""
    return round(one_row[f"pred_contribs{rows}"]["p5"] / one_row[f"graph{rows}"]["p5"], 1)


def measure(depth: int) -> dict[str, object]:
    """All figures for one depth."""
    X, y = credit_rows(40_000, seed=0)
    estimator = xgb.XGBClassifier(n_estimators=N_TREES, max_depth=depth, learning_rate=0.08)
    booster = estimator.fit(X, y).get_booster()
    booster.set_param({"nthread": 1})
    ensemble = read_ensemble(estimator)
    start = perf_counter()
    content, comparison = scoring_graph(ensemble), tree_graph(ensemble)
    build_s = perf_counter() - start
    batch_content = scoring_graph(ensemble, many_rows=True)
    ours, of_many, plain = session(content), session(batch_content), session(comparison)
    rows, _ = credit_rows(BATCH_ROWS, seed=1)
    one = rows[:1].copy()
    others = cycle(range(len(rows)))

    def another() -> NDArray[np.float32]:
        i = next(others)
        return rows[i : i + 1]

    def in_chunks(size: int) -> None:
        for i in range(0, len(rows), size):
            of_many.run(None, {"X": rows[i : i + size]})

    one_row = latencies_us(
        {
            "graph": lambda: ours.run(None, {"X": one}),
            "graph, each another row": lambda: ours.run(None, {"X": another()}),
            "without contributions": lambda: plain.run(None, {"X": one}),
            "pred_contribs": lambda: booster.predict(
                xgb.DMatrix(one, nthread=1), pred_contribs=True
            ),
            "pred_contribs, each another row": lambda: booster.predict(
                xgb.DMatrix(another(), nthread=1), pred_contribs=True
            ),
            "inplace_predict": lambda: booster.inplace_predict(one),
        }
    )
    matrix = xgb.DMatrix(rows, nthread=1)
    batch = cpu_seconds(
        {
            **{f"graph by {size}": partial(in_chunks, size) for size in CHUNK_ROWS},
            "pred_contribs": lambda: booster.predict(matrix, pred_contribs=True),
            "inplace_predict": lambda: booster.inplace_predict(rows),
        },
        statistics.median,
    )
    load = cpu_seconds(
        {
            "graph": lambda: session(content),
            "batch graph": lambda: session(batch_content),
            "without contributions": lambda: session(comparison),
        },
        min,
    )
    native = booster.predict(xgb.DMatrix(rows[:2000]), pred_contribs=True)
    _, raw, contributions, _ = ours.run(None, {"X": rows[:2000]})
    _, raw_of_many, contributions_of_many, _ = of_many.run(None, {"X": rows[:2000]})
    worst = np.maximum(
        np.abs(contributions - native[:, :-1]), np.abs(contributions_of_many - native[:, :-1])
    )
    return {
        "trees": f"{N_TREES}x{depth}",
        "one_row_us": one_row,
        "batch_rows_per_cpu_s": {name: round(len(rows) / s) for name, s in batch.items()},
        "times_faster_one_row": times_faster(one_row, ""),
        "times_faster_each_another_row": times_faster(one_row, ", each another row"),
        "times_faster_batch": round(
            batch["pred_contribs"] / batch[f"graph by {ROWS_PER_EXPLAINED_RUN}"], 1
        ),
        "load_cpu_ms": {name: round(seconds * 1e3, 1) for name, seconds in load.items()},
        "size_mb": {
            "graph": round(len(content) / 1e6, 2),
            "batch graph": round(len(batch_content) / 1e6, 2),
            "without contributions": round(len(comparison) / 1e6, 2),
        },
        "build_s": round(build_s, 1),
        "largest_difference": {
            "contributions": float(worst.max()),
            "raw": float(np.abs(raw[:, 0] - ensemble.raw(rows[:2000])).max()),
            "raw of the forms": float(np.abs(raw - raw_of_many).max()),
        },
    }


def table(results: list[dict[str, object]]) -> str:
    """The results as a Markdown table, one column per depth."""
    flat = [dict(_leaves(result)) for result in results]
    lines = [[name, *(str(column[name]) for column in flat)] for name in flat[0]]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _leaves(result: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    pairs: list[tuple[str, object]] = []
    for name, value in result.items():
        pairs += (
            _leaves(value, f"{prefix}{name} ")
            if isinstance(value, dict)
            else [(prefix + name, f"{value:.1e}" if name in ("contributions", "raw") else value)]
        )
    return pairs


def main() -> None:
    """Measure, print and write."""
    results = [measure(depth) for depth in DEPTHS]
    libraries = {"onnxruntime": onnxruntime.__version__, "xgboost": xgb.__version__}
    write("contributions", results, table(results), **libraries, batch_rows=BATCH_ROWS)


if __name__ == "__main__":
    main()
