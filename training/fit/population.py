"""The population that a definition's rows stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scoreline.definition.model import DefaultDefinition
from training.evaluate.weighting import Weighting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset


def weighting_of(definition: Definition, rows: Dataset) -> Weighting:
    """Weights of the rows, and the population's default rate where the definition names one."""
    if not isinstance(definition, DefaultDefinition):
        return Weighting()
    return Weighting(rows.weight, definition.calibration.default_rate)


def population_weights(definition: Definition, rows: Dataset) -> NDArray[np.float64] | None:
    """Weights that make the rows a picture of the population; None where all count alike."""
    return weighting_of(definition, rows).given(rows.y)
