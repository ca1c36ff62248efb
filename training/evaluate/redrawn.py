"""Samples like the one at hand, with outcomes drawn from given probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.intervals import SEED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.evaluate.score_counts import ScoreCounts

    # Weights of the goods and of the defaults in each group, shape (n_samples, n_groups).
    type Samples = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Redrawn:
    """Drawn samples, and the one sample that is their mean."""

    drawn: Samples
    expected: Samples


def redrawn_outcomes(
    counts: ScoreCounts, group: NDArray[np.int64], probability: NDArray[np.float64], draws: int
) -> Redrawn:
    """Draw outcomes for the rows of each group of scores.

    Weighted rows are drawn as fewer rows of equal weight, which vary as much; see
    `weighting.effective_rows`. Where the sample has another share of defaults than the population,
    so have the drawn samples.

    Parameters
    ----------
    group : number of the group of each score
    probability : of default in each group, in the population
    """
    classes = counts.of_goods, counts.of_defaults
    good, default = (of_class.factor for of_class in classes)
    weight = sum(np.bincount(group, one.weight / one.factor) for one in classes)
    squares = sum(np.bincount(group, one.squares / one.factor**2) for one in classes)
    rows = np.maximum(np.rint(weight**2 / squares), 1).astype(np.int64)
    # The odds in the sample are those of the population, times the ratio of the factors.
    in_sample = probability * good / (default + probability * (good - default))
    drawn = np.random.default_rng(SEED).binomial(rows, in_sample, (draws, len(rows)))

    def weighted(defaults: NDArray[np.int64] | NDArray[np.float64]) -> Samples:
        each = weight / rows
        return (rows - defaults) * (each * good), defaults * (each * default)

    return Redrawn(weighted(drawn), weighted((rows * in_sample)[None]))
