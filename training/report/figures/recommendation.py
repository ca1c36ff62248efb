"""Sections of the manifest that the report of a recommendation shows besides the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.evaluate.ranking import ranked
from training.report.figures.curves import reliability
from training.report.figures.limits_of_use import limits_of_use
from training.report.figures.rounding import rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scoreline.definition.model import RecommendationDefinition
    from training.data.dataset import Dataset


def figures_of_recommendation(
    definition: RecommendationDefinition,
    held_out: Dataset,
    probabilities: NDArray[np.float64],
    rates: NDArray[np.float64],
) -> dict[str, Any]:
    """Sections of the manifest; no figure describes a single customer.

    Parameters
    ----------
    probabilities : shape (n_rows, n_labels)
    rates : share of owners among the training rows, shape (n_labels,)
    """
    return {
        "places": places(held_out.y, probabilities, rates, definition.top),
        "curves": {"calibration": rounded(reliability(held_out.y.ravel(), probabilities.ravel()))},
        "limits": limits_of_use(definition, held_out),
    }


def places(
    owned: NDArray[np.int8], probabilities: NDArray[np.float64], rates: NDArray[np.float64], k: int
) -> list[dict[str, float]]:
    """Share of customers who own the product in each of the first k places of either ranking."""
    popular = owned[:, np.argsort(-rates, kind="stable")[:k]]
    by_model = np.take_along_axis(owned, ranked(probabilities)[:, :k], axis=1)
    shares = zip(by_model.mean(axis=0).tolist(), popular.mean(axis=0).tolist(), strict=True)
    found = [{"model": model, "popularity": popularity} for model, popularity in shares]
    return rounded(found)


def lifts(
    owned: NDArray[np.int8], probabilities: NDArray[np.float64], k: int
) -> list[dict[str, float | None]]:
    """Popularity, share of customers with the product in their first k, precision and lift.

    Precision is the share of owners among those customers, and lift is precision over popularity;
    both are None where nobody has the product in the first k.
    """
    first = np.zeros(owned.shape, bool)
    np.put_along_axis(first, ranked(probabilities)[:, :k], True, axis=1)
    found = []
    for y, chosen in zip(owned.T, first.T, strict=True):
        popularity = float(y.mean())
        precision = float(y[chosen].mean()) if chosen.any() else None
        found.append(
            {
                "popularity": popularity,
                "recommended": float(chosen.mean()),
                "precision": precision,
                "lift": precision / popularity if precision is not None and popularity else None,
            }
        )
    return rounded(found)
