"""How many rows of the population each row of a sample stands for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import fsum
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Weighting:
    """Weights of the rows of a sample, and the default rate that it stands for.

    Attributes
    ----------
    weight : of each row, above 0, shape (n_rows,); None where all rows count alike
    default_rate : of the population; None where it is that of the weighted rows
    """

    weight: NDArray[np.float64] | None = None
    default_rate: float | None = None

    @property
    def even(self) -> bool:
        """Whether every row counts once."""
        return self.weight is None and self.default_rate is None

    @property
    def names(self) -> list[str]:
        """Which of the two attributes are given."""
        parts = {"weight": self.weight, "default_rate": self.default_rate}
        return [name for name, part in parts.items() if part is not None]

    def only(self, names: Sequence[str]) -> Weighting:
        """The weighting with these attributes alone."""
        return Weighting(
            self.weight if "weight" in names else None,
            self.default_rate if "default_rate" in names else None,
        )

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Weighting:
        """The weights of some rows, which are taken to be a sample of the same population."""
        return self if self.weight is None else replace(self, weight=self.weight[rows])

    def own(self, n_rows: int) -> NDArray[np.float64]:
        """The rows' own weights, shape (n_rows,)."""
        return np.ones(n_rows) if self.weight is None else self.weight

    def of(self, y: NDArray[np.int8]) -> NDArray[np.float64]:
        """Weights that bring the default rate of `y`, of shape (n_rows,), to the population's.

        References
        ----------
        King and Zeng, Logistic regression in rare events data, Political Analysis 9 (2001), section
        4.2.
        """
        weight = self.own(len(y))
        good, default = self.factors(exact_sum(weight[y == 0]), exact_sum(weight[y == 1]))
        return np.where(y == 1, default * weight, good * weight)

    def given(self, y: NDArray[np.int8]) -> NDArray[np.float64] | None:
        """The same weights; None where all rows count alike."""
        return None if self.even else self.of(y)

    def factors(self, goods: float, defaults: float) -> tuple[float, float]:
        """Factors of the weights of goods and of defaults, whose sums are given."""
        if self.default_rate is None or not goods or not defaults:
            return 1.0, 1.0
        total = goods + defaults
        return (1 - self.default_rate) * total / goods, self.default_rate * total / defaults


EVEN = Weighting()


def effective_rows(weight: NDArray[np.float64]) -> float:
    """Number of equal rows whose mean varies as much as the weighted mean of these.

    References
    ----------
    Kish, Survey Sampling (1965), section 11.7.

    Examples
    --------
    >>> effective_rows(np.array([1.0, 1.0, 2.0, 4.0]))
    2.909090909090909
    """
    return exact_sum(weight) ** 2 / exact_sum(weight**2)


def weighted_mean(values: NDArray[Any], weight: NDArray[np.float64]) -> float:
    """The mean from exact sums, which are the same in every order."""
    return exact_sum(weight * values) / exact_sum(weight)


def exact_sum(values: NDArray[np.float64]) -> float:
    """The sum without rounding, which is the same in every order."""
    return fsum(values.tolist())


def weighted_quantiles(
    values: NDArray[Any], shares: Sequence[float] | float, weight: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Quantiles along the first axis: with weights, the smallest value that reaches the share."""
    if weight is None:
        return np.asarray(np.quantile(values, shares, axis=0))
    found = np.quantile(values, shares, axis=0, weights=weight, method="inverted_cdf")
    return np.asarray(found, np.float64)
