"""The worked example of `docs/graph.md`, computed by the code that the page explains.

`python -m docs.worked_tree` writes its tables into the page, between marks that name them; a test
compares the page with them.
"""

from __future__ import annotations

import re
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from training.graph.builder import GraphBuilder
from training.graph.contributions import add_tree_contributions
from training.graph.shapley_tables import Group, groups_of
from training.graph.table_rows import Intervals, Reading
from training.graph.tree_sum import PerfectTrees, code_table
from training.graph.trees import LEAF, Ensemble, Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

PAGE = Path(__file__).with_name("graph.md")
MARK = re.compile(r"<!-- worked:(\w+) -->\n.*?<!-- /worked -->", re.DOTALL)
COLUMNS = ("duration", "income")
APPLICATION = (36.0, 2500.0)
TREE = Tree(
    feature=np.array([0, 1, 1, LEAF, LEAF, LEAF, LEAF], np.int32),
    threshold=np.array([24, 2000, 3000, 0, 0, 0, 0], np.float32),
    missing_left=np.array([0, 1, 1, 0, 0, 0, 0], bool),
    left=np.array([1, 3, 5, LEAF, LEAF, LEAF, LEAF], np.int32),
    right=np.array([2, 4, 6, LEAF, LEAF, LEAF, LEAF], np.int32),
    value=np.array([0, 0, 0, 0.4, -0.8, 1.2, 0.2]),
    cover=np.array([100, 60, 40, 15, 45, 20, 20], np.float64),
)
ENSEMBLE = Ensemble([TREE], base=0.0, link="logit")
LEAF_NAMES = "ABCD"
DEPTHS = range(2, 8)
ROW_BYTES = 64  # of a row of 16 float32 numbers


def group() -> Group:
    """The only group of the tree's leaves."""
    [found] = groups_of(ENSEMBLE, ROW_BYTES)
    return found


def run(*applications: Sequence[float]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Raw output and contributions of applications by the graph itself, in ONNX Runtime."""
    graph = GraphBuilder()
    found = add_tree_contributions(graph, "X", ENSEMBLE, range(len(COLUMNS)), len(COLUMNS))
    outputs = {"raw": (found.raw, 1), "contributions": (found.contributions, len(COLUMNS))}
    model = graph.model({"X": len(COLUMNS)}, outputs)
    raw, contributions = onnxruntime.InferenceSession(model.SerializeToString()).run(
        None, {"X": np.array(applications, np.float32)}
    )
    return raw, contributions


def leaves() -> str:
    """Each leaf with the shares of its tests, and what it contributes to the application."""
    rows = []
    for name, leaf in zip(LEAF_NAMES, group().leaves, strict=True):
        tests = [leaf.tests[column] for column in range(len(COLUMNS))]
        outcomes = [test.holds(x) for test, x in zip(tests, APPLICATION, strict=True)]
        row = sum(outcome << bit for bit, outcome in enumerate(outcomes))
        phi = leaf.contributions()[row]
        shares = (f"{test.share:g}" for test in tests)
        held = ("1" if outcome else "0" for outcome in outcomes)
        pairs = chain.from_iterable(zip(shares, held, strict=True))
        rows.append([name, f"{leaf.value:g}", *pairs, *map(_number, phi)])
    total = np.array([[float(cell) for cell in row[-2:]] for row in rows]).sum(0)
    rows.append(["sum", *[""] * 5, *map(_number, total)])
    head = ["leaf", "value", *(f"{part} {c}" for c in COLUMNS for part in ("z", "o"))]
    return _table_of([*head, *(f"φ {column}" for column in COLUMNS)], rows)


def table() -> str:
    """The table of the group: a row for each combination of outcomes."""
    own = group()
    [(first, stride), (second, _)] = own.axes
    rows = []
    for number, values in enumerate(own.table(range(len(COLUMNS)), len(COLUMNS))):
        outcomes = (number // stride, number % stride)
        texts = (_outcome(axis, k) for axis, k in zip((first, second), outcomes, strict=True))
        rows.append([str(number), *texts, *map(_number, values)])
    return _table_of(["row", *COLUMNS, *(f"φ {c}" for c in COLUMNS), "raw"], rows)


def intervals() -> str:
    """The intervals of each column, and what each adds to the number of the row."""
    own = group()
    found = Intervals.of([own], [Reading(column) for column in range(len(COLUMNS))])
    added = found.rows_added([own])[:, 0]
    rows, number = [], 0
    for column, thresholds in zip(COLUMNS, found.thresholds, strict=True):
        for name in ["missing", *_intervals(thresholds)]:
            rows.append([str(number), column, name, str(added[number])])
            number += 1
    return _table_of(["interval", "column", "value", "adds"], rows)


def codes() -> str:
    """The eight codes of the same tree in the form for many rows, and the leaf of each."""
    perfect = PerfectTrees.of([TREE], len(COLUMNS))
    conditions = [_condition(*condition) for condition in perfect.conditions[0]]
    [values] = code_table(perfect.leaves, 2)
    rows = [
        [str(code), *(str(code >> bit & 1) for bit in range(len(conditions))), f"{value:g}"]
        for code, value in enumerate(np.round(values, 6))
    ]
    return _table_of(["code", *conditions, "leaf"], rows)


def sizes() -> str:
    """Rows of the smallest tables of a complete tree that tests another column at each node."""
    rows = []
    for depth in DEPTHS:
        n_rows = smallest_rows(depth)
        megabytes = 300 * n_rows * ROW_BYTES / 1e6
        rows.append([str(depth), f"{n_rows:,}", f"{megabytes:.1f}"])
    return _table_of(["depth", "rows of a tree", "MB of 300 trees"], rows)


def smallest_rows(depth: int) -> int:
    """How many rows the tables of a complete tree of distinct columns have at least."""
    from training.graph.shapley_tables import _branch

    n_inner = 2**depth - 1
    nodes = np.arange(2 * n_inner + 1)
    inner = nodes < n_inner
    tree = Tree(
        feature=np.where(inner, nodes, LEAF).astype(np.int32),
        threshold=np.zeros(len(nodes), np.float32),
        missing_left=np.zeros(len(nodes), bool),
        left=np.where(inner, 2 * nodes + 1, LEAF).astype(np.int32),
        right=np.where(inner, 2 * nodes + 2, LEAF).astype(np.int32),
        value=np.where(inner, 0.0, 1.0),
        cover=2.0 ** (depth - np.floor(np.log2(nodes + 1))),
    )
    return sum(part.n_rows for part in _branch(tree, 0, {}).groups(1))


BLOCKS = {f.__name__: f for f in (leaves, table, intervals, codes, sizes)}


def filled(text: str) -> str:
    """The page's text with the tables as the code computes them."""
    return MARK.sub(
        lambda mark: f"<!-- worked:{mark[1]} -->\n\n{BLOCKS[mark[1]]()}\n\n<!-- /worked -->", text
    )


def _number(value: float) -> str:
    return f"{value + 0.0:.2f}"


def _outcome(axis: object, outcome: int) -> str:
    """The values of a column that have an outcome, such as "< 2000 or missing"."""
    thresholds, outcomes = axis.thresholds, axis.outcomes  # type: ignore[attr-defined]
    intervals = _intervals(np.array([-np.inf, *thresholds]))
    names = [name for name, k in zip(intervals, outcomes[1:], strict=True) if k == outcome]
    return " or ".join([*names, *(["missing"] if outcomes[0] == outcome else [])])


def _intervals(thresholds: NDArray[np.float64]) -> list[str]:
    ends = [f"{t:g}" for t in thresholds[1:]]
    return [f"< {ends[0]}", *(f"{a} to < {b}" for a, b in pairwise(ends)), f"≥ {ends[-1]}"]


def _condition(column: float, threshold: float) -> str:
    operator = "<" if column < len(COLUMNS) else "≥"
    return f"{COLUMNS[int(column) % len(COLUMNS)]} {operator} {threshold:g}"


def _table_of(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
