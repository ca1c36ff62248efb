"""Calibration: from the model's own output, the margin, to log-odds that match default rates."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from scoreline.core.errors import TrainingError, UnrankedError
from training.evaluate.logistic import NotEstimableError, fit_logistic
from training.evaluate.weighting import EVEN, Weighting, weighted_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from training.evaluate.logistic import LogisticFit
    from training.graph.builder import GraphBuilder

    type Link = Literal["logit", "identity"]
    type Fold = tuple[NDArray[np.int64], NDArray[np.int64]]

# A forest's probability is kept this far from 0 and 1, so that its log-odds are finite.
EDGE = 1e-4
# Float32 values in the widest SIMD register.
REGISTER = 16


class Method(Protocol):
    """A calibration method."""

    def log_odds(self, margin: ArrayLike) -> NDArray[np.float64]:
        """Calibrated log-odds of margins."""

    def add_to(self, graph: GraphBuilder, margin: str) -> str:
        """Append the nodes; returns the tensor of log-odds."""


@dataclass(frozen=True, slots=True)
class Platt:
    """log-odds = slope * margin + intercept.

    References
    ----------
    Platt, Probabilistic outputs for support vector machines (1999).
    """

    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def fit(
        cls,
        margin: NDArray[np.float64],
        y: NDArray[np.int8],
        _link: Link,
        weighting: Weighting = EVEN,
    ) -> Platt:
        """Fit by maximum likelihood; a slope that would reverse the order is set to 0."""
        if np.ptp(margin) == 0:
            return cls(0.0, _logit(_rate(y, weighting)))
        fit = _fit([margin], y, weighting)
        slope = float(fit.coefficients[0])
        if slope <= 0:
            return cls(0.0, _logit(_rate(y, weighting)))
        return cls(slope, fit.intercept)

    def log_odds(self, margin: ArrayLike) -> NDArray[np.float64]:
        """Calibrated log-odds of margins."""
        return self.slope * np.asarray(margin, np.float64) + self.intercept

    def add_to(self, graph: GraphBuilder, margin: str) -> str:
        """Append the nodes; returns the tensor of log-odds."""
        scaled = graph.node("Mul", margin, graph.constant(self.slope))
        return graph.node("Add", scaled, graph.constant(self.intercept))


@dataclass(frozen=True, slots=True)
class Beta:
    """log-odds = a ln p - b ln(1 - p) + c, where p is the uncalibrated probability; a, b >= 0.

    References
    ----------
    Kull, Silva Filho, Flach, Beta calibration (AISTATS 2017).
    """

    a: float
    b: float
    c: float
    link: Link

    @classmethod
    def fit(
        cls,
        margin: NDArray[np.float64],
        y: NDArray[np.int8],
        link: Link,
        weighting: Weighting = EVEN,
    ) -> Beta:
        """Fit by maximum likelihood; a coefficient that would reverse the order is set to 0."""
        logs = _log_probabilities(margin, link)
        # a, b >= 0 as in the paper: a coefficient below 0 is dropped and the other fitted again.
        columns = [logs[0], -logs[1]]
        used = [0, 1]
        while used:
            fit = _fit([columns[k] for k in used], y, weighting)
            kept = [k for k, w in zip(used, fit.coefficients, strict=True) if w > 0]
            if kept == used:
                weights = dict(zip(used, fit.coefficients.tolist(), strict=True))
                return cls(weights.get(0, 0.0), weights.get(1, 0.0), fit.intercept, link)
            used = kept
        return cls(0.0, 0.0, _logit(_rate(y, weighting)), link)

    def log_odds(self, margin: ArrayLike) -> NDArray[np.float64]:
        """Calibrated log-odds of margins."""
        log_default, log_good = _log_probabilities(np.asarray(margin, np.float64), self.link)
        return self.a * log_default - self.b * log_good + self.c

    def add_to(self, graph: GraphBuilder, margin: str) -> str:
        """Append the nodes; returns the tensor of log-odds.

        onnxruntime's Log and Softplus round differently for values at the end of a tensor that do
        not fill a SIMD register. Padding fills the last register, so that a row gets the same
        result alone and in a batch, as long as the session has one thread.
        """
        # ln p = -softplus(-margin) and ln(1 - p) = -softplus(margin) lose no digits near 0 and 1.
        both = graph.constant([[1.0, -1.0]])
        if self.link == "logit":
            logs = _elementwise(graph, "Softplus", graph.node("Mul", margin, both))
            factors = (self.b, -self.a)
        else:
            p = graph.node("Clip", margin, graph.constant(EDGE), graph.constant(1 - EDGE))
            default_good = graph.node("Add", graph.node("Mul", p, both), graph.constant([[0, 1]]))
            logs, factors = _elementwise(graph, "Log", default_good), (self.a, -self.b)
        terms = graph.node("Mul", logs, graph.constant([factors]))
        total = graph.node("ReduceSum", terms, graph.constant([1], np.int64), keepdims=1)
        return graph.node("Add", total, graph.constant(self.c))


def _elementwise(graph: GraphBuilder, function: str, values: str) -> str:
    """A function of each value (n_rows, 2), computed with padding that is cut off again."""
    padding = np.ones((REGISTER // 2, 2))
    padded = graph.node("Concat", values, graph.constant(padding), axis=0)
    start, end, rows = (graph.constant([n], np.int64) for n in (0, -len(padding), 0))
    return graph.node("Slice", graph.node(function, padded), start, end, rows)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A calibration method, and the shift of its log-odds to the population's default rate.

    References
    ----------
    Prior correction: King and Zeng, Logistic regression in rare events data (2001), section 4.1.
    """

    method: Method
    shift: float = 0.0

    def log_odds(self, margin: ArrayLike) -> NDArray[np.float64]:
        """Log-odds of default, shape as `margin`."""
        return self.method.log_odds(margin) + self.shift

    def slope(self, margin: float, step: float = 1e-4) -> float:
        """Log-odds per unit of margin at a margin."""
        low, high = self.log_odds([margin - step, margin + step])
        return float(high - low) / (2 * step)

    def add_to(self, graph: GraphBuilder, margin: str) -> tuple[str, str]:
        """Append the nodes; returns the tensors of log-odds and probability."""
        log_odds = self.method.add_to(graph, margin)
        if self.shift:
            log_odds = graph.node("Add", log_odds, graph.constant(self.shift))
        return log_odds, graph.node("Sigmoid", log_odds)

    def describe(self) -> dict[str, Any]:
        """Method and numbers, for the manifest."""
        parameters = {k: v for k, v in asdict(self.method).items() if k != "link"}  # type: ignore[call-overload]  # every method is a dataclass
        return {"method": type(self.method).__name__.lower(), **parameters, "shift": self.shift}


def choose_calibration(
    margin: NDArray[np.float64],
    y: NDArray[np.int8],
    folds: Iterable[Fold],
    link: Link,
    weighting: Weighting = EVEN,
    *,
    methods: Sequence[type[Platt | Beta]] = (Platt, Beta),
) -> Calibration:
    """Fit the method with the lowest Brier score on folds that it was not fitted on.

    Parameters
    ----------
    margin : out-of-fold margins, shape (n_rows,)
    y : shape (n_rows,), 1 is default
    link : logit where the margin is the log-odds, identity where it is the probability
    weighting : of the rows; where it names a default rate, the log-odds are shifted to it

    Raises
    ------
    UnrankedError
        The margin does not rank defaults above the others.
    TrainingError
        No method converges.
    """
    splits = list(folds)
    fitted: list[tuple[float, Method]] = []
    reasons = []
    for method in methods:
        try:
            error = 0.0
            for a, b in splits:
                found = method.fit(margin[a], y[a], link, weighting.take(a))
                error += _squares(found, margin[b], y[b], weighting.take(b))
            fitted.append((error, method.fit(margin, y, link, weighting)))
        except NotEstimableError as cause:
            reasons.append(f"{method.__name__.lower()}: {cause}")
    if not fitted:
        raise TrainingError(f"the calibration cannot be fitted ({'; '.join(reasons)})")
    _, best = min(fitted, key=itemgetter(0))
    # Both methods are monotone, so the ends tell whether the calibrated order is the margin's.
    lowest, highest = best.log_odds([margin.min(), margin.max()])
    if lowest >= highest:
        raise UnrankedError("the model does not rank defaults on rows that it has not seen")
    rate = weighting.default_rate
    return Calibration(best, 0.0 if rate is None else _logit(rate) - _logit(_rate(y, weighting)))


def _squares(
    method: Method, margin: NDArray[np.float64], y: NDArray[np.int8], weighting: Weighting
) -> float:
    """Weighted sum of squared errors."""
    squares = np.square(sigmoid(method.log_odds(margin)) - y)
    return float((weighting.own(len(y)) * squares).sum())


def _rate(y: NDArray[np.int8], weighting: Weighting) -> float:
    """Weighted default rate of the rows."""
    return weighted_mean(y, weighting.own(len(y)))


def _fit(
    columns: Sequence[NDArray[np.float64]], y: NDArray[np.int8], weighting: Weighting
) -> LogisticFit:
    """The maximum of the likelihood; where the columns separate the classes, Platt's estimate.

    There the likelihood rises without end. Platt's targets, (n + 1) / (n + 2) for n defaults and
    1 / (n + 2) for n goods instead of 1 and 0, have a maximum always.

    Raises
    ------
    NotEstimableError
        The columns do not vary or are collinear.
    """
    weight = weighting.own(len(y))
    try:
        return fit_logistic(columns, y * weight, weight)
    except NotEstimableError:
        goods, defaults = (float(weight[y == label].sum()) for label in (0, 1))
        targets = np.where(y == 1, (defaults + 1) / (defaults + 2), 1 / (goods + 2))
        return fit_logistic(columns, targets * weight, weight)


def sigmoid(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability for log-odds."""
    return 1 / (1 + np.exp(-np.clip(log_odds, -700, 700)))  # exp overflows beyond 709


def uncalibrated(margin: NDArray[np.float64], link: Link) -> NDArray[np.float64]:
    """The probability before calibration."""
    return sigmoid(margin) if link == "logit" else margin


def _log_probabilities(
    margin: NDArray[np.float64], link: Link
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ln p and ln(1 - p) of the uncalibrated probability."""
    if link == "logit":
        return -np.logaddexp(0, -margin), -np.logaddexp(0, margin)
    p = np.clip(margin, EDGE, 1 - EDGE)
    return np.log(p), np.log(1 - p)


def _logit(rate: float) -> float:
    return float(np.log(rate / (1 - rate)))
