"""A million applications at once: rows per second beside those of XGBoost and skl2onnx.

Run with `python -m bench.throughput`; writes bench/results/throughput.json and .md. All score the
same million different rows, a part of them in each round and in turns, at one thread and at two.

Three comparisons. The trees alone, on the same float32 matrix: our graph, XGBoost's fastest way
(inplace_predict) and skl2onnx's graph. The whole way from an application's values to a calibrated
probability: `batch.onnx`, and the same written with numpy around inplace_predict. And exact
contributions, of the first rows only, as `pred_contribs` takes long.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost

from bench import native
from bench.contenders import TRAINING_ROWS, TREES, definition, matrix
from bench.report import ratios, shown, spread, table, write
from scoreline.scoring.many_rows import ROWS_PER_EXPLAINED_RUN, ROWS_PER_RUN, open_session
from training.export.graphs import batch_graph, witness_graph
from training.fit.model import fit
from training.graph import tree_sum as bits
from training.graph.builder import GraphBuilder
from training.graph.trees import read_ensemble

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnxruntime
    from numpy.typing import NDArray

    from training.fit.model import FittedModel

    type Rows = NDArray[np.float32]
    type Score = Callable[[Rows], NDArray[Any]]

ROWS = 1_000_000
EXPLAINED_ROWS = 4_000
COMPARED_ROWS = 20_000
ROUNDS = 4
DEPTHS = (4, 6)
THREADS = (1, 2)
TOLERANCE = 1e-5
SKL2ONNX_ROWS_PER_RUN = 4_096
TREES_ALONE, XGBOOST, SKL2ONNX = "our trees", "XGBoost inplace_predict", "skl2onnx's graph"
WHOLE, NATIVE = "batch.onnx", "numpy and inplace_predict"
EXPLAINED, PRED_CONTRIBS = "batch.onnx, contributions", "XGBoost pred_contribs"
COMPARISONS = {
    "of inplace_predict": (TREES_ALONE, XGBOOST),
    "of skl2onnx": (TREES_ALONE, SKL2ONNX),
    "of numpy and inplace_predict": (WHOLE, NATIVE),
    "of pred_contribs": (EXPLAINED, PRED_CONTRIBS),
}


def over(rows: Rows, score: Score, size: int, threads: int) -> None:
    """Score all rows, in runs of so many, on so many threads."""

    def part(some: Rows) -> None:
        for i in range(0, len(some), size):
            score(some[i : i + size])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, np.array_split(rows, threads)))


def tree_session(model: FittedModel) -> onnxruntime.InferenceSession:
    """The trees of the batch graph alone: columns to margin."""
    graph = GraphBuilder()
    width = len(model.columns)
    turned = graph.transposed("columns")
    margin = bits.add_tree_sum(graph, turned, read_ensemble(model.classifier), width)
    made = graph.model({"columns": width}, {"margin": (margin, 1)})
    return open_session(made.SerializeToString())


class Contest:
    """The ways to score with one model, and rows to score."""

    def __init__(self, depth: int, rows: Rows) -> None:
        chosen = definition(depth)
        contract = chosen.contract()
        self.model = model = fit(chosen, *matrix(TRAINING_ROWS, 1))
        assert model.classifier.n_estimators == TREES["n_estimators"]
        self.rows, self.columns = rows, model.pipeline[0].transform(rows)
        self.whole = open_session(batch_graph(model, contract).SerializeToString())
        self.trees = tree_session(model)
        self.converted = open_session(witness_graph(model).SerializeToString())
        self.native = native.scorer(model, contract)
        self.booster = model.classifier.get_booster()
        self.check()

    def score(self, rows: Rows, *, explain: bool = False) -> NDArray[np.float32]:
        """Probabilities by `batch.onnx`, with contributions or without."""
        wanted = ["probability", "contributions"] if explain else ["probability"]
        found = self.whole.run(wanted, {"X": rows, "explain": np.array(explain)})
        return np.asarray(found[0])[:, 0]

    def sum_trees(self, columns: Rows) -> NDArray[np.float32]:
        """Margins by our graph."""
        return np.asarray(self.trees.run(["margin"], {"columns": columns})[0])[:, 0]

    def convert(self, columns: Rows) -> NDArray[np.float32]:
        """Probabilities by skl2onnx's graph."""
        return np.asarray(self.converted.run(["probabilities"], {"columns": columns})[0])[:, 1]

    def check(self) -> None:
        """All give the same answers."""
        rows, columns = self.rows[:COMPARED_ROWS], self.columns[:COMPARED_ROWS]
        margin = self.booster.inplace_predict(columns, predict_type="margin")
        for found, expected in (
            (self.sum_trees(columns), margin),
            (self.convert(columns), 1 / (1 + np.exp(-margin))),
            (self.score(rows), self.native(rows)),
        ):
            assert np.abs(found - expected).max() < TOLERANCE

    def times(self, part: slice, threads: int) -> dict[str, float]:
        """Rows per second of each way on a part of the rows."""
        rows, columns = self.rows[part], self.columns[part]
        few, few_columns = rows[:EXPLAINED_ROWS], columns[:EXPLAINED_ROWS]
        self.booster.set_param({"nthread": threads})
        explain = partial(self.score, explain=True)
        of_few = {
            EXPLAINED: partial(over, few, explain, ROWS_PER_EXPLAINED_RUN, threads),
            PRED_CONTRIBS: lambda: self.booster.predict(
                xgboost.DMatrix(few_columns, nthread=threads), pred_contribs=True
            ),
        }
        of_all = {
            TREES_ALONE: partial(over, columns, self.sum_trees, ROWS_PER_RUN, threads),
            XGBOOST: partial(self.booster.inplace_predict, columns),
            SKL2ONNX: partial(over, columns, self.convert, SKL2ONNX_ROWS_PER_RUN, threads),
            WHOLE: partial(over, rows, self.score, ROWS_PER_RUN, threads),
            NATIVE: partial(over, rows, self.native, native.ROWS_PER_RUN, threads),
        }
        return {name: len(rows) / seconds(call) for name, call in of_all.items()} | {
            name: len(few) / seconds(call) for name, call in of_few.items()
        }


def seconds(call: Callable[[], object]) -> float:
    """Duration of a call."""
    started = perf_counter()
    call()
    return perf_counter() - started


def measure(contest: Contest, depth: int, threads: int) -> dict[str, Any]:
    """Rows per second, and how many times ours are as many."""
    size = ROWS // ROUNDS
    parts = [slice(i, i + size) for i in range(0, ROWS, size)]
    rounds = [contest.times(part, threads) for part in parts]
    found = {name: [one[name] for one in rounds] for name in rounds[0]}
    return {
        "model": f"{TREES['n_estimators']}x{depth}, {threads} thread{'s' * (threads > 1)}",
        "rows_per_second": {name: spread(values) for name, values in found.items()},
        "times": {
            name: ratios(found[ours], found[theirs]) for name, (ours, theirs) in COMPARISONS.items()
        },
    }


def main() -> None:
    """Measure, print and write."""
    rows, _ = matrix(ROWS, 3)
    results = []
    for depth in DEPTHS:
        contest = Contest(depth, rows)
        for threads in THREADS:
            results.append(measure(contest, depth, threads))
            print(results[-1], flush=True)
    models = [one["model"] for one in results]
    rates = [
        [name, *(f"{one['rows_per_second'][name]['median']:,.0f}" for one in results)]
        for name in results[0]["rows_per_second"]
    ]
    times = [
        [f"{ours}: times that {name}", *(shown(one["times"][name]) for one in results)]
        for name, (ours, _) in COMPARISONS.items()
    ]
    text = table(["rows per second", *models], rates) + "\n" + table(["ratio", *models], times)
    write("throughput", {"rows": ROWS, "models": results}, text)


if __name__ == "__main__":
    main()
