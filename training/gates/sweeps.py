"""Sweeps one feature through its range in real applications and records the model's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scoreline.core.errors import TrainingError
from scoreline.definition.expression import parse_expression
from scoreline.scoring.many_rows import run_rows
from training.data.sampling import evenly_spaced
from training.export.parity import at_thresholds
from training.export.state_rows import visiting_rows
from training.gates.crossings import crossings, derived_thresholds
from training.graph.features import DIRECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import onnxruntime
    from numpy.typing import NDArray

    from scoreline.core.contract import Contract
    from scoreline.core.features import Feature
    from training.export.parity import Probed
    from training.gates.crossings import Points

ROWS = 200
GRID = 60
# Rows with each state of a feature that shares a derived feature with the swept one.
STATE_ROWS = 10
# Most values of a feature, and about half of the answers of the model, in one sweep.
MOST_VALUES = 3_000
MOST_ANSWERS = 60_000
# Float32 sums of a few hundred trees differ by less than this.
TOLERANCE = 1e-4
# 12 CFR 1002.2(o): "elderly" is an age of 62 or more.
ELDERLY = 62


def reversals(
    model: Probed,
    contract: Contract,
    session: onnxruntime.InferenceSession,
    fitted: NDArray[np.float32],
    held_out: NDArray[np.float32],
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, float]:
    """Feature with a direction -> largest change of the log-odds against it.

    Derived features change along with the swept one, and in some rows they take the values on
    either side of each of their split thresholds. Features that enter a derived one together with
    the swept one are also missing or at a special code in some rows.

    Parameters
    ----------
    progress : called with a line where there are too many thresholds to test all
    """
    thresholds = at_thresholds(model, contract)
    derived = derived_thresholds(model, contract)
    visits = visiting_rows(contract, held_out)
    worst = {}
    for position, feature in enumerate(contract.features):
        if feature.monotone is None:
            continue
        splits = np.array([value for at, value in thresholds if at == position], np.float32)
        grid = _grid(feature, fitted[:, position], splits)
        if len(grid) > MOST_VALUES:
            progress(f"sweep of {feature.name}: {MOST_VALUES:,} of {len(grid):,} values are tested")
            grid = grid[evenly_spaced(len(grid), MOST_VALUES)]
        rows = _rows(contract, position, held_out, visits, MOST_ANSWERS // max(len(grid), 1))
        owner, values = crossings(
            contract, derived, rows[: _crossing_rows(derived)], position, grid
        )
        points = (
            np.concatenate([np.repeat(np.arange(len(rows)), len(grid)), owner]),
            np.concatenate([np.tile(grid, len(rows)), values]),
        )
        ways = _ways(session, rows, position, _admitted(feature, points))
        direction = DIRECTIONS[feature.monotone]
        worst[feature.name] = max((_fall(direction * way) for way in ways), default=0.0)
    return worst


def _crossing_rows(thresholds: Mapping[int, NDArray[np.float32]]) -> int:
    """The number of rows in which derived features are taken across all their thresholds."""
    per_row = 2 * sum(map(len, thresholds.values()))
    return max(min(ROWS, MOST_ANSWERS // max(per_row, 1)), 1)


def _admitted(feature: Feature, points: Points) -> Points:
    """The points, or the whole numbers on either side of them if the feature takes no others."""
    if feature.type == "number":
        return points
    owner, values = points
    return np.concatenate([owner, owner]), np.concatenate([np.floor(values), np.ceil(values)])


def _ways(
    session: onnxruntime.InferenceSession,
    rows: NDArray[np.float32],
    position: int,
    points: Points,
) -> list[NDArray[np.float32]]:
    """Log-odds of each row as one feature rises through the values that the row is given."""
    owner, values = points
    order = np.lexsort((values, owner))
    changed = rows[owner[order]]
    changed[:, position] = values[order]
    if not len(changed):
        return []
    [log_odds] = run_rows(session, changed, ["log_odds"])
    return np.split(log_odds[:, 0], np.cumsum(np.bincount(owner))[:-1])


def _fall(values: NDArray[np.float32]) -> float:
    """The largest fall from a value to any later one."""
    return float((np.maximum.accumulate(values) - values).max())


def _rows(
    contract: Contract,
    position: int,
    held_out: NDArray[np.float32],
    visits: NDArray[np.float32],
    most: int,
) -> NDArray[np.float32]:
    """Held-out rows, some with the states of features that share a derived one.

    At most half of the rows are those that visit all states.
    """
    visits = visits[evenly_spaced(len(visits), max(most // 2, 1))]
    base = held_out[: max(min(ROWS, most) - len(visits), 1)]
    name = contract.features[position].name
    partners = set().union(*(names for names in _inputs(contract) if name in names)) - {name}
    parts = [base]
    for other, feature in enumerate(contract.features):
        if feature.name in partners:
            for state in [*feature.specials, *([np.nan] if feature.nullable else [])]:
                changed = base[:STATE_ROWS].copy()
                changed[:, other] = state
                parts.append(changed)
    return np.concatenate([*parts, visits])


def _inputs(contract: Contract) -> list[set[str]]:
    """The names that each derived feature is made of, also through other derived ones."""
    found: dict[str, set[str]] = {}
    for derived in contract.derived:
        names = set(parse_expression(derived.expression).names)
        found[derived.name] = names.union(*(found.get(name, set()) for name in names))
    return list(found.values())


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


def _grid(
    feature: Feature, values: NDArray[np.float32], splits: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Rising values: the splits within the range, quantiles of the training rows, and the ends."""
    amounts = values[~np.isnan(values) & ~np.isin(values, np.array(feature.specials, np.float32))]
    low, high = feature.range
    ends = [end for end in (feature.minimum, feature.maximum) if end is not None]
    quantiles = np.quantile(amounts, np.linspace(0, 1, GRID)) if len(amounts) else amounts
    inside = splits[(splits >= low) & (splits <= high)]
    found = np.concatenate([quantiles, ends, inside]).astype(np.float32)
    return np.unique(found[~np.isin(found, np.array(feature.specials, np.float32))])
