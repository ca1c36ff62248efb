"""The reference group that an applicant is compared with to find reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scoreline.core.contract import Reference
from scoreline.core.errors import TrainingError
from scoreline.scoring.many_rows import run_rows
from scoreline.scoring.scores import scores
from training.data.sampling import evenly_spaced

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
) -> Reference:
    """The frozen reference of a model.

    Parameters
    ----------
    X : training rows, shape (n_rows, n_features); at most 20,000 evenly spaced rows are used

    Raises
    ------
    TrainingError
        The group is marginal_approved and no row reaches the approve cutoff.
    """
    outputs = ["log_odds", "margin", "contributions", "values"]
    X = X[evenly_spaced(len(X), EXPLAINED_ROWS)]
    log_odds, margins, contributions, values = run_rows(session, X, outputs)
    group = definition.explanation.reference
    members = np.arange(len(X))
    if group == "marginal_approved":
        members = _marginal_approved(definition, log_odds[:, 0])
    margin = float(margins[members].mean(dtype=np.float64))
    return Reference(
        group=group,
        rows=len(members),
        margin=margin,
        log_odds=float(calibration.log_odds(margin)),
        slope=calibration.slope(margin),
        contributions=_rounded(contributions[members].mean(axis=0, dtype=np.float64)),
        best=_rounded(np.quantile(contributions, BEST_SHARE, axis=0)),
        values=tuple(_median(column) for column in values[members].T),
    )


def _marginal_approved(
    definition: DefaultDefinition, log_odds: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Approved rows at or just above the cutoff: within pdo / 2 points, or the 300 nearest."""
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


def _median(column: NDArray[np.float32]) -> float | None:
    given = column[~np.isnan(column)]
    return float(np.median(given)) if len(given) else None
