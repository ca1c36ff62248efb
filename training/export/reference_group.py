"""The reference group that an applicant is compared with to find reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scoreline.core.contract import Reference
from scoreline.core.errors import TrainingError
from scoreline.scoring.many_rows import run_rows
from scoreline.scoring.scores import scores
from training.data.sampling import evenly_spaced
from training.evaluate.weighting import weighted_quantiles

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

    from scoreline.definition.model import DefaultDefinition
    from training.fit.calibration import Calibration

# With resampled references of 100 rows, only 71 % of declines keep the same four reasons.
MARGINAL_ROWS = 300
BEST_SHARE = 0.10
# Most rows that are scored to find the group.
EXPLAINED_ROWS = 20_000


def build_reference(
    definition: DefaultDefinition,
    session: onnxruntime.InferenceSession,
    calibration: Calibration,
    X: NDArray[np.float32],
    weight: NDArray[np.float64] | None = None,
) -> Reference:
    """The frozen reference of a model.

    Parameters
    ----------
    X : training rows, shape (n_rows, n_features); at most 20,000 evenly spaced rows are used
    weight : of the rows, shape (n_rows,); None where all count alike

    Raises
    ------
    TrainingError
        The group is marginal_approved and no row reaches the approve cutoff.
    """
    outputs = ["log_odds", "margin", "contributions", "values"]
    rows = evenly_spaced(len(X), EXPLAINED_ROWS)
    X, weight = X[rows], None if weight is None else weight[rows]
    log_odds, margins, contributions, values = run_rows(session, X, outputs)
    group = definition.explanation.reference
    members = np.arange(len(X))
    if group == "marginal_approved":
        members = _marginal_approved(definition, log_odds[:, 0])
    of_members = None if weight is None else weight[members]
    margin = float(_mean(margins[members, 0], of_members))
    return Reference(
        group=group,
        rows=len(members),
        margin=margin,
        log_odds=float(calibration.log_odds(margin)),
        slope=calibration.slope(margin),
        contributions=_rounded(_mean(contributions[members], of_members)),
        best=_rounded(weighted_quantiles(contributions, BEST_SHARE, weight)),
        values=tuple(_median(column, of_members) for column in values[members].T),
    )


def _marginal_approved(
    definition: DefaultDefinition, log_odds: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Approved rows at or just above the cutoff: within pdo / 2 points, or the 300 nearest.

    The score alone counts, as in comment 5: an unlearned state refers a row, but explains no score.
    """
    cutoff = definition.bands[0].min_score
    points = scores(definition.score, log_odds)
    approved = np.flatnonzero(points >= (-np.inf if cutoff is None else cutoff))
    if not len(approved):
        raise TrainingError("no row reaches the approve cutoff, so there is no marginal_approved")
    above = points[approved] - points[approved].min()
    # Stable, so that ties at the edge of the group are resolved the same way each time.
    order = np.argsort(above, kind="stable")
    count = max(int((above <= definition.score.pdo / 2).sum()), MARGINAL_ROWS)
    return np.sort(approved[order[:count]])


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), 9) for value in values)


def _mean(values: NDArray[np.float32], weight: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """The mean along the first axis."""
    if weight is None:
        return np.asarray(values.mean(axis=0, dtype=np.float64))
    return np.asarray(np.average(values.astype(np.float64), axis=0, weights=weight))


def _median(column: NDArray[np.float32], weight: NDArray[np.float64] | None) -> float | None:
    given = ~np.isnan(column)
    if not given.any():
        return None
    if weight is None:
        return float(np.median(column[given]))
    return float(weighted_quantiles(column[given], 0.5, weight[given]))
