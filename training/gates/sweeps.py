"""Sweeps one feature through its range in real applications and records the model's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scoreline.core.errors import TrainingError
from scoreline.scoring.many_rows import run_rows
from training.graph.features import DIRECTIONS

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

    from scoreline.core.contract import Contract
    from scoreline.core.features import Feature

ROWS = 200
GRID = 60
# Float32 sums of a few hundred trees differ by less than this.
TOLERANCE = 1e-4
# 12 CFR 1002.2(o): "elderly" is an age of 62 or more.
ELDERLY = 62


def reversals(
    contract: Contract,
    session: onnxruntime.InferenceSession,
    fitted: NDArray[np.float32],
    held_out: NDArray[np.float32],
) -> dict[str, float]:
    """Feature with a direction -> largest change of the log-odds against it.

    Derived features change along with the swept one.
    """
    worst = {}
    for position, feature in enumerate(contract.features):
        if feature.monotone is None:
            continue
        grid = _grid(feature, fitted[:, position])
        log_odds = sweep(session, held_out[:ROWS], position, grid)
        against = -DIRECTIONS[feature.monotone] * np.diff(log_odds, axis=1)
        worst[feature.name] = max(float(against.max()), 0.0)
    return worst


def check_age(
    contract: Contract, session: onnxruntime.InferenceSession, held_out: NDArray[np.float32]
) -> None:
    """Check the age feature, if there is one, against 12 CFR 1002.6(b)(2)(ii).

    Raises
    ------
    TrainingError
        An applicant aged 62 or over would score below the best younger age.
    """
    for position, feature in enumerate(contract.features):
        if not feature.age:
            continue
        low, high = feature.range
        ages = np.arange(max(low, 18), min(high, 100) + 1, dtype=np.float32)
        log_odds = sweep(session, held_out[:ROWS], position, ages)
        elderly = ages >= ELDERLY
        if not elderly.any() or elderly.all():
            continue
        worse = log_odds[:, elderly].max(axis=1) - log_odds[:, ~elderly].min(axis=1)
        if worse.max() > TOLERANCE:
            raise TrainingError(
                f"features.{feature.name}: applicants aged {ELDERLY} and over score below the best "
                f"younger age for {int((worse > TOLERANCE).sum())} of {len(worse)} applicants"
            )


def sweep(
    session: onnxruntime.InferenceSession,
    rows: NDArray[np.float32],
    position: int,
    grid: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Log-odds of every row with every value of one feature, shape (n_rows, n_values)."""
    # One run for all rows and values, each row repeated with every value.
    changed = np.repeat(rows, len(grid), axis=0)
    changed[:, position] = np.tile(grid, len(rows))
    [log_odds] = run_rows(session, changed, ["log_odds"])
    return log_odds.reshape(len(rows), len(grid))


def _grid(feature: Feature, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rising values: quantiles of the training rows and the ends of the range."""
    amounts = values[~np.isnan(values) & ~np.isin(values, np.array(feature.specials, np.float32))]
    ends = [end for end in (feature.minimum, feature.maximum) if end is not None]
    quantiles = np.quantile(amounts, np.linspace(0, 1, GRID)) if len(amounts) else amounts
    return np.unique(np.concatenate([quantiles, ends])).astype(np.float32)
