"""The WoE scorecard: a logistic regression on the weights of evidence of binned features.

A feature's bin alone determines its points, so the fitted model is a table of points. It is also a
sum of trees with one column each, so it shares graphs and contributions with the tree ensembles.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from scoreline.core.features import FLOAT32_MAX
from training.fit.calibration import sigmoid
from training.fit.woe_binning import WoeBinning, fit_woe_binning
from training.graph.trees import LEAF, Ensemble, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from training.graph.features import Column


class WoeScorecard(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # sklearn is untyped
    """Logistic regression on the weights of evidence of optimally binned features.

    Features with a coefficient of the wrong sign, which would take points from safer bins, are left
    out one by one, the worst first.

    Parameters
    ----------
    columns : descriptions of the columns; those of one feature are binned together
    C : inverse strength of the L2 penalty
    min_bin_size : smallest share of the feature's rows in a bin
    max_n_bins : most bins of a feature without missing, special and unseen; None for no limit

    Attributes
    ----------
    binnings_ : bins of each feature
    weights_ : coefficient of each feature on -WoE, 0 where it is left out
    intercept_ : log-odds of default of an applicant whose WoEs are all 0
    """

    def __init__(
        self,
        columns: Sequence[Column] = (),
        C: float = 1.0,
        min_bin_size: float = 0.05,
        max_n_bins: int | None = None,
    ) -> None:
        self.columns = columns
        self.C = C
        self.min_bin_size = min_bin_size
        self.max_n_bins = max_n_bins

    def fit(
        self,
        X: NDArray[np.float32],
        y: NDArray[np.int8],
        sample_weight: NDArray[np.float64] | None = None,
    ) -> WoeScorecard:
        """Bin every feature and weigh the features against each other."""
        self.classes_ = np.unique(y)
        parameters = {
            "min_prebin_size": self.min_bin_size,
            "max_n_bins": self.max_n_bins,
        }
        numbered = sorted(enumerate(self.columns), key=_source)
        features = [list(group) for _, group in groupby(numbered, key=_source)]
        self.binnings_ = [
            fit_woe_binning(feature, X, y, parameters, sample_weight) for feature in features
        ]
        self.weights_, self.intercept_ = _fit_weights(self._woe(X), y, sample_weight, self.C)
        return self

    def decision_function(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Log-odds of default, shape (n_rows,)."""
        log_odds: NDArray[np.float64] = self.intercept_ - self._woe(X) @ self.weights_
        return log_odds

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities of both classes, shape (n_rows, 2)."""
        default = sigmoid(self.decision_function(X))
        return np.column_stack([1 - default, default])

    def ensemble(self) -> Ensemble:
        """The fitted model as trees of one column each.

        A leaf's cover is the bin's weight of fitted rows, so that path-dependent TreeSHAP gives a
        feature the coefficient times the distance of its WoE from the mean.
        """
        base, trees = self.intercept_, list[Tree]()
        for binning, weight in zip(self.binnings_, self.weights_, strict=True):
            value = -weight * binning.woe
            # Without an amount no tree has a leaf for `rest`, so its value goes to the base.
            if binning.amount is None:
                base += float(value[binning.rest])
            if weight:
                trees += _trees(binning, value)
        return Ensemble(trees, base, "logit")

    def _woe(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.column_stack([binning.woe[binning.bin_of(X)] for binning in self.binnings_])


def _source(numbered: tuple[int, Column]) -> int:
    return numbered[1].source


def _fit_weights(
    woe: NDArray[np.float64],
    y: NDArray[np.int8],
    sample_weight: NDArray[np.float64] | None,
    C: float,
) -> tuple[NDArray[np.float64], float]:
    """Coefficients on -WoE, all of them 0 or above, and the intercept."""
    # Dropping one feature can turn the sign of another, so only the worst goes before each refit.
    weights = np.zeros(woe.shape[1])
    used = np.arange(woe.shape[1])
    while len(used):
        model = LogisticRegression(C=C, max_iter=1000).fit(-woe[:, used], y, sample_weight)
        coefficients = model.coef_[0]
        if coefficients.min() > 0:
            weights[used] = coefficients
            return weights, float(model.intercept_[0])
        used = np.delete(used, coefficients.argmin())
    raise ValueError("no feature separates defaults from the others")


def _trees(binning: WoeBinning, value: NDArray[np.float64]) -> Iterator[Tree]:
    """Trees that sum to the value of a row's bin, minus that of `rest` for a category."""
    # The amount is NaN in every other state, so its tree gives `rest` there, and the tree of the
    # state adds the difference.
    rest = value[binning.rest]
    if binning.amount is not None:
        rows = (binning.goods + binning.bads)[: binning.n_cut]
        missing = binning.n_rows - float(rows.sum())  # a special code is missing as an amount
        tests = [-FLOAT32_MAX, *binning.cuts.tolist()]
        values = [rest, *value[: binning.n_cut]]
        yield _chain(binning.amount, tests, values, [missing, *rows.tolist()])
    for column, number in binning.states.items():
        on = binning.state_rows[column]
        yield _chain(column, [0.5], [0, value[number] - rest], [binning.n_rows - on, on])


def _chain(
    column: int, tests: Sequence[float], values: Sequence[float], rows: Sequence[float]
) -> Tree:
    """A tree on one column; its leaves: missing or x < tests[0], x < tests[1], ..., all others."""
    inner = np.arange(0, 2 * len(tests), 2)
    leaves = np.append(inner + 1, 2 * len(tests))
    size = 2 * len(tests) + 1
    tree = Tree(
        feature=np.full(size, LEAF, np.int32),
        threshold=np.zeros(size, np.float32),
        missing_left=np.arange(size) == 0,
        left=np.full(size, LEAF, np.int32),
        right=np.full(size, LEAF, np.int32),
        value=np.zeros(size),
        cover=np.zeros(size),
    )
    tree.feature[inner], tree.threshold[inner] = column, tests
    tree.left[inner], tree.right[inner] = inner + 1, inner + 2
    tree.value[leaves], tree.cover[leaves] = values, rows
    tree.cover[inner] = np.cumsum(rows[::-1])[:0:-1]  # an inner node covers all leaves below it
    return tree
