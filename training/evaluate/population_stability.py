"""Population stability: how features and score are distributed, and how far that has moved."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import chi2

from scoreline.core.contract import UNSEEN_CATEGORY
from training.evaluate.intervals import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from scoreline.core.contract import Contract, Feature

TENTHS = 10
# By convention; Siddiqi, Credit Risk Scorecards (2006), chapter 8.
MODERATE, LARGE = 0.1, 0.25
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Bins:
    """Bins of a feature or of the score.

    Attributes
    ----------
    edges : upper ends of the bins of amounts but the last; None where there are no amounts
    codes : numbers that stand for a state or category, each a bin of its own
    labels : of amounts, then of codes, then that of missing values
    """

    edges: tuple[float, ...] | None
    codes: tuple[float, ...]
    labels: tuple[str, ...]

    def assign(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """The bin of each value; of amounts the one that it does not lie above."""
        first = 0 if self.edges is None else len(self.edges) + 1
        bins = np.full(len(values), len(self.labels) - 1)
        if self.edges is not None:
            given = ~np.isnan(values)
            bins[given] = np.searchsorted(self.edges, values[given], side="left")
        for number, code in enumerate(self.codes):
            bins[values == values.dtype.type(code)] = first + number
        return bins

    def count(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """Values in each bin."""
        return np.bincount(self.assign(values), minlength=len(self.labels))


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a distribution has moved.

    Attributes
    ----------
    psi : population stability index
    critical : what 95 % of samples of these sizes stay below where nothing has moved
    expected_rows, actual_rows : sizes of the samples
    bins : that are not empty in both
    verdict : stable, moderate or large; stable also where the index is not critical
    """

    psi: float
    critical: float
    expected_rows: int
    actual_rows: int
    bins: int
    verdict: str


def bins_of(feature: Feature, values: NDArray[np.float32]) -> Bins:
    """Deciles of the amounts, and a bin for each category, special code and for missing values."""
    if feature.type == "category":
        codes = (*map(float, range(len(feature.categories))), UNSEEN_CATEGORY)
        return Bins(None, codes, (*feature.categories, "not listed", MISSING))
    if feature.type == "boolean":
        return Bins(None, (0.0, 1.0), ("no", "yes", MISSING))
    states = (feature.special_codes or {}).items()
    amounts = values[~np.isnan(values) & ~np.isin(values, np.array(feature.specials, np.float32))]
    return amount_bins(amounts, {name: float(code) for name, code in states})


def amount_bins(amounts: NDArray[Any], states: Mapping[str, float]) -> Bins:
    """Deciles of amounts, fewer where some are equal."""
    ordered = np.sort(amounts)
    tenths = [-(-len(ordered) * k // TENTHS) - 1 for k in range(1, TENTHS)] if len(ordered) else []
    edges = [float(edge) for edge in np.unique(ordered[tenths]) if edge < ordered[-1]]
    labels = [f"to {edge:.6g}" for edge in edges] + [f"over {edges[-1]:.6g}" if edges else "any"]
    return Bins(tuple(edges), tuple(states.values()), (*labels, *states, MISSING))


def psi(expected: NDArray[np.int64], actual: NDArray[np.int64]) -> float:
    """Population stability index of two samples' counts per bin.

    The sum over bins of (a - e) ln(a / e), for the shares e and a. An empty bin counts as half a
    row, for its logarithm would be infinite.

    Examples
    --------
    >>> round(psi(np.array([50, 50]), np.array([60, 40])), 4)
    0.0405
    """
    e, a = (np.maximum(counts, 0.5) / counts.sum() for counts in (expected, actual))
    used = (expected > 0) | (actual > 0)
    return float(((a - e) * np.log(a / e))[used].sum())


def critical_psi(
    expected_rows: int, actual_rows: int, bins: int, confidence: float = CONFIDENCE
) -> float:
    """The index that `confidence` of samples of one population stay below.

    References
    ----------
    Yurdakul and Naranjo, Statistical properties of the population stability index, Journal of Risk
    Model Validation 14 (2020): PSI / (1/n + 1/m) is chi-square distributed with bins - 1 degrees
    of freedom, where n rows are compared with m.

    Examples
    --------
    >>> round(critical_psi(100, 100, 10), 3)
    0.338
    """
    scale = 1 / expected_rows + 1 / actual_rows
    return float(scale * chi2.ppf(confidence, bins - 1)) if bins > 1 else 0.0


def shift(expected: NDArray[np.int64], actual: NDArray[np.int64]) -> Shift:
    """How far `actual` has moved from `expected`, both counts per bin."""
    rows = int(expected.sum()), int(actual.sum())
    bins = int(((expected > 0) | (actual > 0)).sum())
    found, critical = psi(expected, actual), critical_psi(*rows, bins)
    verdict = "stable"
    if found > max(critical, MODERATE):
        verdict = "large" if found > LARGE else "moderate"
    return Shift(found, critical, *rows, bins, verdict)


def baseline(
    contract: Contract, X: NDArray[np.float32], points: NDArray[np.float64] | None
) -> dict[str, Any]:
    """What later populations are compared with, for the manifest.

    Parameters
    ----------
    X : training rows, shape (n_rows, n_features)
    points : score of held-out rows, for a model is too sure of rows that it was fitted on; None
        where there is no score
    """
    features = {
        feature.name: _described(bins_of(feature, column), column)
        for feature, column in zip(contract.features, X.T, strict=True)
    }
    score = None if points is None else _described(amount_bins(points, {}), points)
    return {"features": features, "score": score}


def shifts(
    before: Mapping[str, Any],
    contract: Contract,
    X: NDArray[np.float32],
    points: NDArray[np.float64] | None,
) -> dict[str, Any]:
    """How far features (CSI) and score (PSI) have moved from a baseline, for the manifest.

    Parameters
    ----------
    before : as `baseline` makes it
    contract, X, points : as the model of the baseline reads and scores the rows
    """
    features = {
        feature.name: asdict(_moved(before["features"][feature.name], column))
        for feature, column in zip(contract.features, X.T, strict=True)
    }
    score = None if points is None else asdict(_moved(before["score"], points))
    return {"features": features, "score": score}


def _described(bins: Bins, values: NDArray[Any]) -> dict[str, Any]:
    counts = bins.count(values)
    shares = [round(float(share), 8) for share in counts / len(values)]
    return {"rows": len(values), **asdict(bins), "counts": counts.tolist(), "shares": shares}


def _moved(described: Mapping[str, Any], values: NDArray[Any]) -> Shift:
    edges = described["edges"]
    codes, labels = tuple(described["codes"]), tuple(described["labels"])
    bins = Bins(None if edges is None else tuple(edges), codes, labels)
    return shift(np.array(described["counts"]), bins.count(values))
