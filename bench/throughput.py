"""A million applications at once: rows per second beside those of XGBoost and skl2onnx.

Run with `python -m bench.throughput`; writes bench/results/throughput.json and .md. The same rows,
all different, for all; at one thread and at two. XGBoost is given its fastest way, inplace_predict
of a float32 matrix. Contributions are asked of the first rows only, as `pred_contribs` takes long.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost

from bench.contenders import TREES, definition, matrix
from bench.report import in_turns, ratios, shown, spread, table, write
from training import bits, contributions
from training.export import batch_graph, open_session, witness_graph
from training.fitting import fit

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnxruntime
    from numpy.typing import NDArray

ROWS = 1_000_000
EXPLAINED_ROWS = 5_000
TRAINING_ROWS = 60_000
ROUNDS = 3
DEPTHS = (4, 6)
THREADS = (1, 2)
OURS, XGBOOST, SKL2ONNX = "Scoreline", "XGBoost inplace_predict", "skl2onnx's graph"
EXPLAINED, PRED_CONTRIBS = "Scoreline, with contributions", "XGBoost pred_contribs"


def in_chunks(run: Callable[[NDArray[np.float32]], object], size: int, threads: int) -> Any:
    """Runs over all rows, in chunks of so many, on so many threads."""

    def part(rows: NDArray[np.float32]) -> None:
        for i in range(0, len(rows), size):
            run(rows[i : i + size])

    def over(rows: NDArray[np.float32]) -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(part, np.array_split(rows, threads)))

    return over


def rows_per_second(score: Callable[[], object], count: int) -> float:
    """Rows per second of one run."""
    started = perf_counter()
    score()
    return count / (perf_counter() - started)


def scorers(depth: int) -> Callable[[int, NDArray[np.float32]], dict[str, Callable[[], float]]]:
    """Ways to score rows on so many threads, all of one model of this depth."""
    chosen = definition(depth)
    X, y = matrix(TRAINING_ROWS, 1)
    model = fit(chosen, X, y)
    ours = open_session(batch_graph(model, chosen.contract()).SerializeToString())
    converted = open_session(witness_graph(model).SerializeToString())
    native = model.classifier.get_booster()
    assert model.classifier.n_estimators == TREES["n_estimators"]

    def ways(threads: int, rows: NDArray[np.float32]) -> dict[str, Callable[[], float]]:
        native.set_param({"nthread": threads})
        columns = model.pipeline[0].transform(rows)
        few, few_columns = rows[:EXPLAINED_ROWS], columns[:EXPLAINED_ROWS]
        data = xgboost.DMatrix(few_columns, nthread=threads)
        plain = in_chunks(partial(_scored, ours, explain=False), bits.ROWS_PER_RUN, threads)
        explained = in_chunks(
            partial(_scored, ours, explain=True), contributions.ROWS_PER_RUN, threads
        )
        witness = in_chunks(
            lambda part: converted.run(["probabilities"], {"columns": part}), 4096, threads
        )
        return {
            OURS: partial(rows_per_second, partial(plain, rows), len(rows)),
            XGBOOST: partial(rows_per_second, partial(native.inplace_predict, columns), len(rows)),
            SKL2ONNX: partial(rows_per_second, partial(witness, columns), len(rows)),
            EXPLAINED: partial(rows_per_second, partial(explained, few), len(few)),
            PRED_CONTRIBS: partial(
                rows_per_second, partial(native.predict, data, pred_contribs=True), len(few)
            ),
        }

    return ways


def _scored(
    session: onnxruntime.InferenceSession, rows: NDArray[np.float32], *, explain: bool
) -> object:
    wanted = ["probability", "contributions"] if explain else ["probability"]
    return session.run(wanted, {"X": rows, "explain": np.array(explain)})


def measure(depth: int, threads: int, ways: Any, rows: NDArray[np.float32]) -> dict[str, Any]:
    """Rows per second, and how many times ours are as many."""
    found = in_turns(ways(threads, rows), ROUNDS)
    return {
        "model": f"{TREES['n_estimators']}x{depth}, {threads} thread{'s' * (threads > 1)}",
        "rows_per_second": {name: spread(values) for name, values in found.items()},
        "times_xgboost": ratios(found[OURS], found[XGBOOST]),
        "times_skl2onnx": ratios(found[OURS], found[SKL2ONNX]),
        "times_pred_contribs": ratios(found[EXPLAINED], found[PRED_CONTRIBS]),
    }


def main() -> None:
    """Measure, print and write."""
    rows, _ = matrix(ROWS, 3)
    results = []
    for depth in DEPTHS:
        ways = scorers(depth)
        for threads in THREADS:
            results.append(measure(depth, threads, ways, rows))
            print(results[-1], flush=True)
    ratio_names = ("times_xgboost", "times_skl2onnx", "times_pred_contribs")
    lines = [
        [
            one["model"],
            *(f"{value['median']:,.0f}" for value in one["rows_per_second"].values()),
            *(shown(one[name]) for name in ratio_names),
        ]
        for one in results
    ]
    head = [
        "rows per second",
        *results[0]["rows_per_second"],
        "of XGBoost",
        "of skl2onnx",
        "of pred_contribs",
    ]
    write("throughput", {"rows": ROWS, "models": results}, table(head, lines))


if __name__ == "__main__":
    main()
