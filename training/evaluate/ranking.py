"""Quality of recommendations for held-out customers, as a ranking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.intervals import Interval, mean_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray


def average_precision(
    owned: NDArray[np.int8], ranking: NDArray[np.int64], k: int
) -> NDArray[np.float64]:
    """Average precision at k (AP@k) of each customer, shape (n_rows,).

    The precision at a place is the share of owned products among the places up to it. AP@k sums
    the precision at those of the first k places that hold an owned product, and divides by the
    lesser of k and the number of owned products; it is 0 for a customer who owns no product. The
    mean over customers is MAP@k.

    Parameters
    ----------
    owned : shape (n_rows, n_labels), 1 where the customer owns the product
    ranking : shape (n_rows, n_labels), positions of the products, the likeliest first

    References
    ----------
    `apk` and `mapk` of Hamner's ml_metrics, by which Kaggle scored Santander Product
    Recommendation (2016) with k = 7.
    """
    hits = np.take_along_axis(owned, ranking[:, :k], axis=1)
    precision = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    reachable = np.minimum(owned.sum(axis=1), k)
    return np.asarray((precision * hits).sum(axis=1) / np.maximum(reachable, 1), np.float64)


def ranked(probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """Positions of the labels, the likeliest first; ties keep the order of the labels."""
    # Stable, so that ties keep their order as in serving.
    return np.argsort(-probabilities, axis=1, kind="stable")


def evaluate_ranking(
    owned: NDArray[np.int8], probabilities: NDArray[np.float64], rates: NDArray[np.float64], k: int
) -> dict[str, Interval]:
    """MAP@k of the model and of recommending the most popular products, and the difference.

    Intervals are those of a mean over customers; that of the difference is paired.

    Parameters
    ----------
    owned, probabilities : shape (n_rows, n_labels)
    rates : shape (n_labels,), share of owners among the rows that were fitted
    """
    popular = np.tile(rates, (len(owned), 1))
    by_model = average_precision(owned, ranked(probabilities), k)
    by_popularity = average_precision(owned, ranked(popular), k)
    squares = np.square(probabilities - owned).mean(axis=1)
    figures = {
        f"map_at_{k}": by_model,
        f"map_at_{k}_popularity": by_popularity,
        f"map_at_{k}_gain": by_model - by_popularity,
        "brier": squares,
    }
    return {name: mean_interval(values) for name, values in figures.items()}
