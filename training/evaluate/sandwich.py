"""Standard errors of a logistic regression on weighted rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.evaluate.score_counts import ScoreCounts


def sandwich_errors(
    X: NDArray[np.float64], probability: NDArray[np.float64], counts: ScoreCounts
) -> NDArray[np.float64]:
    """Standard errors of the coefficients, shape (n_columns,).

    The inverse information would take a weight of two for two independent rows. Where the default
    rate is known, the scores vary around the means of their classes, as in a stratified sample.

    Parameters
    ----------
    X : columns at each distinct score, shape (n_columns, n_distinct)
    probability : fitted, shape (n_distinct,)

    References
    ----------
    Binder, On the variances of asymptotically normal estimators from complex surveys, International
    Statistical Review 51 (1983).
    """
    spread = counts.rows * probability * (1 - probability)
    bread = np.linalg.inv(np.einsum("ij,kj->ik", X * spread, X))
    meat = np.zeros_like(bread)
    for outcome, of_class in ((0, counts.of_goods), (1, counts.of_defaults)):
        scores = X * (outcome - probability)
        if counts.weighting.default_rate is not None:
            scores -= np.average(scores, axis=1, weights=of_class.weight, keepdims=True)
        meat += np.einsum("ij,kj->ik", scores * of_class.squares, scores)
    errors: NDArray[np.float64] = np.sqrt(np.diagonal(bread @ meat @ bread))
    return errors
