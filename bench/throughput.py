"""A million applications at once: probabilities and exact contributions, beside the libraries.

Run with `python -m bench.throughput`; writes bench/results/throughput.json and .md. All score the
same different rows with the same trees, a part of them in each round. `batch.onnx` also makes the
trees' matrix of an application's values, and calibrates; the others get the matrix.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost

from bench import contenders
from bench.contenders import TREES, definition, design, fitted, matrix
from bench.report import Timing, figures, shown, table, timed, write
from scoreline.scoring.many_rows import (
    EXPLAIN,
    ROWS_PER_EXPLAINED_RUN,
    ROWS_PER_RUN,
    open_session,
)
from training.export.graphs import batch_graph, witness_graph
from training.graph.builder import GraphBuilder
from training.graph.tree_sum import add_tree_sum
from training.graph.trees import read_ensemble

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnxruntime

    from bench.contenders import Ask, Rows

ROWS, EXPLAINED_ROWS, ROUNDS = 1_000_000, 2_000, 4
DEPTHS, THREADS = (4, 6), (1, 2)
COMPARED, TOLERANCE = slice(0, 1000), 1e-5
SKL2ONNX_ROWS_PER_RUN = 4_096  # the size that suits it best
OURS, SKL2ONNX = "our graph of the trees", "skl2onnx's graph"
EXPLAINED = "batch.onnx with contributions"


def over(score: Callable[[Rows], object], rows: Rows, size: int, threads: int) -> None:
    """Score all rows, in runs of so many, on so many threads."""

    def part(some: Rows) -> None:
        for i in range(0, len(some), size):
            score(some[i : i + size])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, np.array_split(rows, threads)))


def tree_session(depth: int) -> onnxruntime.InferenceSession:
    """The trees of the batch graph alone: columns to probability without calibration."""
    graph, model = GraphBuilder(), fitted(depth)
    width = len(model.columns)
    raw = add_tree_sum(graph, graph.transposed("columns"), read_ensemble(model.classifier), width)
    made = graph.model({"columns": width}, {"probability": (graph.node("Sigmoid", raw), 1)})
    return open_session(made.SerializeToString())


def contest(depth: int, X: Rows, columns: Rows, ask: Ask) -> Callable[..., dict[str, Timing]]:
    """Checks that all ways give the same answers; times them on a part of the rows."""
    model = fitted(depth)
    booster, trees = model.classifier.get_booster(), tree_session(depth)
    whole = open_session(batch_graph(model, definition(depth).contract()).SerializeToString())
    converted = open_session(witness_graph(model).SerializeToString())
    outputs, plain = ["probability", "contributions"], {EXPLAIN: np.array(False)}

    def pred_contribs(some: Rows, threads: int = 1) -> Any:
        return booster.predict(xgboost.DMatrix(some, nthread=threads), pred_contribs=True)

    ways = {
        OURS: lambda some: trees.run(["probability"], {"columns": some})[0][:, 0],
        "batch.onnx": lambda some: whole.run(outputs[:1], {"X": some, **plain}),
        SKL2ONNX: lambda some: converted.run(["probabilities"], {"columns": some})[0][:, 1],
        EXPLAINED: lambda some: whole.run(outputs, {"X": some}),
    }
    some = columns[COMPARED]
    for name in (OURS, SKL2ONNX, "daal4py", "lignum"):
        found = ways[name](some) if name in ways else ask(name, COMPARED)[1]
        assert np.abs(found - booster.inplace_predict(some)).max() < TOLERANCE, name
    found = ask("daal4py contributions", COMPARED)[1]
    assert np.abs(found - pred_contribs(some)).max() < 10 * TOLERANCE

    def times(part: slice, threads: int) -> dict[str, Timing]:
        few = slice(part.start, part.start + EXPLAINED_ROWS)
        booster.set_param({"nthread": threads})
        ours = {
            OURS: partial(over, ways[OURS], columns[part], ROWS_PER_RUN, threads),
            "batch.onnx": partial(over, ways["batch.onnx"], X[part], ROWS_PER_RUN, threads),
            SKL2ONNX: partial(over, ways[SKL2ONNX], columns[part], SKL2ONNX_ROWS_PER_RUN, threads),
            "XGBoost inplace_predict": partial(booster.inplace_predict, columns[part]),
            EXPLAINED: partial(over, ways[EXPLAINED], X[few], ROWS_PER_EXPLAINED_RUN, threads),
            "XGBoost pred_contribs": partial(pred_contribs, columns[few], threads),
        }
        theirs = {"daal4py": part, "lignum": part, "daal4py contributions": few}
        return {name: timed(call) for name, call in ours.items()} | {
            way: ask(way, rows, threads=threads)[0] for way, rows in theirs.items()
        }

    return times


def measure(times: Callable[..., dict[str, Timing]], threads: int) -> dict[str, Any]:
    """Rows per second, and processor time beside ours."""
    size = ROWS // ROUNDS
    rounds: dict[str, list[dict[str, float]]] = {}
    for start in range(0, ROWS, size):
        for name, timing in times(slice(start, start + size), threads).items():
            rows = EXPLAINED_ROWS if "contrib" in name else size
            busy = timing.processor / rows
            one = {"rows/s": rows / sum(timing.wall), "rows per processor second": 1 / busy}
            rounds.setdefault(name, []).append({**one, "processor": busy})
    results = figures(rounds, alone=("processor", OURS), explained=("processor", EXPLAINED))
    for name, one in results.items():
        kinds = one.pop("alone"), one.pop("explained")
        one["processor time, times ours"] = kinds["contrib" in name]
    return results


def main() -> None:
    """Measure, print and write."""
    rows, _ = matrix(ROWS, 3)
    results: dict[str, dict[str, Any]] = {}
    for depth in DEPTHS:
        columns = design(depth, rows)
        with contenders.peers(fitted(depth).classifier.get_booster(), columns) as ask:
            times = contest(depth, rows, columns, ask)
            for threads in THREADS:
                name = f"{TREES['n_estimators']}x{depth}, {threads} thread{'s' * (threads > 1)}"
                results[name] = measure(times, threads)
    ways = next(iter(results.values()))
    tables = [
        table(
            [key, *results],
            [[way, *(shown(r[way][key]) for r in results.values())] for way in ways],
        )
        for key in ("rows/s", "rows per processor second", "processor time, times ours")
    ]
    write("throughput", results, "\n".join(tables), rows=ROWS, explained_rows=EXPLAINED_ROWS)


if __name__ == "__main__":
    main()
