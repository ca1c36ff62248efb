"""Outcomes of a sample's rows in money, and the population that the rows stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.weighting import Weighting

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Outcomes:
    """Rows of one sample.

    Attributes
    ----------
    y : 1 is default, shape (n_rows,)
    value : money that each row brings if it is approved, shape (n_rows,)
    weight : rows of the population that each row stands for, shape (n_rows,)
    rate_known : whether the weights give the classes the shares that they are known to have, so
        that these do not vary from sample to sample
    """

    y: NDArray[np.int8]
    value: NDArray[np.float64]
    weight: NDArray[np.float64]
    rate_known: bool

    @classmethod
    def of(
        cls,
        y: NDArray[np.int8],
        value: NDArray[np.float64] | None,
        weight: NDArray[np.float64] | None,
        default_rate: float | None,
    ) -> Outcomes:
        """Rows that stand for a population with this default rate, or that of the sample.

        Parameters
        ----------
        value : None where nothing is known about money
        weight : None where all rows of a class count alike
        """
        value = np.zeros(len(y)) if value is None else value
        return cls(y, value, Weighting(weight, default_rate).of(y), default_rate is not None)
