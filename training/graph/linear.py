"""Contributions of a linear model as ONNX nodes: coefficient times distance from the mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.graph.contributions import Contributions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from training.graph.builder import GraphBuilder


def add_linear_contributions(
    graph: GraphBuilder,
    columns: str,
    coefficients: ArrayLike,
    means: ArrayLike,
    intercept: float,
    source_of_column: Sequence[int],
    n_sources: int,
) -> Contributions:
    """Raw output and its contributions w_j (x_j - mean_j), summed per source feature.

    Columns are treated as independent, as in shap.LinearExplainer. A row's results are bit for bit
    the same alone and in any batch.

    Parameters
    ----------
    columns : float32 tensor of shape (n_rows, n_columns)
    coefficients, means : shape (n_columns,)
    source_of_column : for each column, the index of the source feature that it derives from
    n_sources : number of source features, the width of the contributions
    """
    weights, centre = np.asarray(coefficients, np.float64), np.asarray(means, np.float64)
    distance = graph.node("Sub", columns, graph.constant(centre))
    parts = graph.node("Mul", distance, graph.constant(weights))
    to_source = np.vstack([np.eye(n_sources)[:, list(source_of_column)], np.ones(len(weights))])
    axis = graph.constant([2], np.int64)
    # A matrix product per row of X: one product for all would sum in an order that depends on
    # their number.
    sums = graph.node("MatMul", graph.constant(to_source), graph.node("Unsqueeze", parts, axis))
    widths = graph.constant([n_sources, 1], np.int64)
    contributions, total = graph.nodes(
        "Split", graph.node("Squeeze", sums, axis), widths, outputs=2, axis=1
    )
    expected = float(intercept + weights @ centre)
    raw = graph.node("Add", total, graph.constant(expected))
    return Contributions(raw, contributions, expected)
