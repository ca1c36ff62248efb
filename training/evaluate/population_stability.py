"""Population stability: how far the distributions of the features and of the score have shifted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import chi2

from training.evaluate.intervals import CONFIDENCE
from training.evaluate.psi_bins import PsiBins, decile_bins, psi_bins_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from scoreline.core.contract import Contract
    from training.evaluate.psi_bins import Counts

    type Weights = tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]

# By convention; Siddiqi, Credit Risk Scorecards (2006), chapter 8.
MODERATE, LARGE = 0.1, 0.25


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a distribution has shifted.

    Attributes
    ----------
    psi : population stability index
    critical : 95 % of samples of these sizes stay below it where the population is unchanged
    expected_rows, actual_rows : sizes of the samples, of weighted ones the effective sizes
    bins : number of bins that hold a row of either sample
    verdict : stable, moderate or large; also stable where the index is below the critical value
    """

    psi: float
    critical: float
    expected_rows: int
    actual_rows: int
    bins: int
    verdict: str


def psi(expected: Counts, actual: Counts) -> float:
    """Population stability index of two samples' counts per bin.

    It is the sum over bins of (a - e) ln(a / e), for the shares e and a. An empty bin counts as
    half a row, since its logarithm would be infinite.

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
    """The index that a share `confidence` of samples of one population stay below.

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


def shift(expected: Counts, actual: Counts) -> Shift:
    """How far `actual` has shifted from `expected`, both counts per bin."""
    rows = round(float(expected.sum())), round(float(actual.sum()))
    bins = int(((expected > 0) | (actual > 0)).sum())
    found, critical = psi(expected, actual), critical_psi(*rows, bins)
    verdict = "stable"
    if found > max(critical, MODERATE):
        verdict = "large" if found > LARGE else "moderate"
    return Shift(found, critical, *rows, bins, verdict)


def baseline(
    contract: Contract,
    X: NDArray[np.float32],
    points: NDArray[np.float64] | None,
    weights: Weights = (None, None),
) -> dict[str, Any]:
    """The distributions that later populations are compared with, for the manifest.

    Parameters
    ----------
    X : training rows, shape (n_rows, n_features)
    points : scores of held-out rows, as a model is too confident about rows that it was fitted on;
        None where there is no score
    weights : of the rows of X and of those of the points; None where all count alike
    """
    features = {
        feature.name: _distribution(psi_bins_of(feature, column, weights[0]), column, weights[0])
        for feature, column in zip(contract.features, X.T, strict=True)
    }
    score = None
    if points is not None:
        score = _distribution(decile_bins(points, {}, weights[1]), points, weights[1])
    return {"features": features, "score": score}


def shifts(
    before: Mapping[str, Any],
    contract: Contract,
    X: NDArray[np.float32],
    points: NDArray[np.float64] | None,
    weights: Weights = (None, None),
) -> dict[str, Any]:
    """How far features (CSI) and score (PSI) have shifted from a baseline, for the manifest.

    Parameters
    ----------
    before : returned by `baseline`
    contract, X, points : as the model of the baseline reads and scores the rows
    weights : as in `baseline`
    """
    features = {
        feature.name: asdict(_shift_from(before["features"][feature.name], column, weights[0]))
        for feature, column in zip(contract.features, X.T, strict=True)
    }
    score = None
    if points is not None:
        score = asdict(_shift_from(before["score"], points, weights[1]))
    return {"features": features, "score": score}


def _distribution(
    bins: PsiBins, values: NDArray[Any], weight: NDArray[np.float64] | None
) -> dict[str, Any]:
    counts = bins.count(values, weight)
    shares = [round(float(share), 8) for share in counts / counts.sum()]
    return {"rows": len(values), **asdict(bins), "counts": counts.tolist(), "shares": shares}


def _shift_from(
    distribution: Mapping[str, Any], values: NDArray[Any], weight: NDArray[np.float64] | None
) -> Shift:
    edges = distribution["edges"]
    codes, labels = tuple(distribution["codes"]), tuple(distribution["labels"])
    bins = PsiBins(None if edges is None else tuple(edges), codes, labels)
    return shift(np.array(distribution["counts"]), bins.count(values, weight))
