"""The numbers of docs/graph.md are those of the code, and those of a hand calculation."""

import re
from itertools import permutations

import numpy as np
import pytest

from docs import worked_tree
from docs.worked_tree import APPLICATION, COLUMNS, DEPTHS, PAGE, TREE

PICTURE = PAGE.parent / "images" / "worked-tree.svg"


def test_the_page_shows_the_tables_that_the_code_computes():
    text = PAGE.read_text()

    assert len(worked_tree.MARK.findall(text)) == len(worked_tree.BLOCKS)
    assert worked_tree.filled(text) == text


def expectation(known, node=0):
    """Output of the tree where only some columns are known, straight from its nodes."""
    if TREE.left[node] < 0:
        return TREE.value[node]
    children = TREE.left[node], TREE.right[node]
    column = TREE.feature[node]
    if column in known:
        return expectation(known, children[int(APPLICATION[column] >= TREE.threshold[node])])
    return sum(TREE.cover[c] / TREE.cover[node] * expectation(known, c) for c in children)


def shapley_values():
    """Mean over all orders in which the columns can be learned."""
    orders = list(permutations(range(len(COLUMNS))))
    phi = np.zeros(len(COLUMNS))
    for order in orders:
        for k, column in enumerate(order):
            phi[column] += expectation(order[: k + 1]) - expectation(order[:k])
    return phi / len(orders)


def test_the_graph_returns_the_shapley_values_of_the_page():
    raw, contributions = worked_tree.run(APPLICATION, (12.0, np.nan))

    assert contributions[0] == pytest.approx(shapley_values(), abs=1e-6)
    assert contributions[0] == pytest.approx([0.96, 0.26], abs=1e-6)
    assert raw[:, 0] == pytest.approx([1.2, 0.4], abs=1e-6)


@pytest.mark.parametrize(
    ("known", "name"), [((), "nothing"), ((0,), "duration"), ((1,), "income"), ((0, 1), "both")]
)
def test_the_page_shows_the_output_for_each_set_of_known_columns(known, name):
    [shown] = re.findall(rf"^\| {name} \| (-?[\d.]+) \|", PAGE.read_text(), re.MULTILINE)

    assert float(shown) == pytest.approx(expectation(known), abs=1e-9)


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_smallest_tables_of_a_complete_tree_have_the_rows_of_the_formula(depth):
    assert worked_tree.smallest_rows(depth) == 2 ** (2 * depth - 1)


def test_the_picture_shows_the_tree():
    words = re.findall(r"<text[^>]*>([^<]*)</text>", PICTURE.read_text())
    inner = TREE.left >= 0
    conditions = [
        f"{COLUMNS[column]} &lt; {threshold:g}"
        for column, threshold in zip(TREE.feature[inner], TREE.threshold[inner], strict=True)
    ]
    leaves = [f"{name}: {value:g}" for name, value in zip("ABCD", TREE.value[~inner], strict=True)]

    assert {*conditions, *leaves} <= set(words)
    assert [int(w.split()[0]) for w in words if w.endswith(" rows")] == TREE.cover.astype(
        int
    ).tolist()
    assert f"duration {APPLICATION[0]:g}, income {APPLICATION[1]:g}" in words
