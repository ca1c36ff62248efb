"""Calibration: from the model's raw output to the margin, the log-odds of default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from training.graph import GraphBuilder


@dataclass(frozen=True, slots=True)
class Platt:
    """margin = slope * raw + intercept.

    References
    ----------
    Platt, Probabilistic outputs for support vector machines (1999), fitted on out-of-fold outputs.
    """

    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def fit(cls, raw: NDArray[np.float64], y: NDArray[np.int8]) -> Platt:
        """Maximum likelihood on raw outputs of rows that were not fitted.

        Parameters
        ----------
        raw : array of shape (n_rows,)
        y : array of shape (n_rows,), 1 is default
        """
        spread = float(raw.std()) or 1.0
        model = LogisticRegression(C=np.inf).fit((raw / spread)[:, None], y)
        slope = float(model.coef_[0, 0]) / spread
        return cls(slope, float(model.intercept_[0])) if slope > 0 else cls()

    def margin(self, raw: ArrayLike) -> NDArray[np.float64]:
        """Log-odds of default."""
        return self.slope * np.asarray(raw, np.float64) + self.intercept

    def add_to(self, graph: GraphBuilder, raw: str) -> tuple[str, str]:
        """Append the nodes; returns the tensors of margin and probability."""
        slope, intercept = graph.constant(self.slope), graph.constant(self.intercept)
        margin = graph.node("Add", graph.node("Mul", raw, slope), intercept)
        return margin, graph.node("Sigmoid", margin)


def sigmoid(margin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of log-odds."""
    return 1 / (1 + np.exp(-np.clip(margin, -700, 700)))
