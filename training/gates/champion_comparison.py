"""Compares a trained version with the champion: performance, population, schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.core.errors import DatasetError, DefinitionError
from scoreline.scoring.many_rows import run_log_odds
from scoreline.scoring.scores import points
from training.data.row_keys import are_among
from training.data.sampling import drawn
from training.evaluate.intervals import too_few
from training.evaluate.population_stability import shifts
from training.gates.champion_rows import read_by_champion
from training.gates.paired_comparison import PairedComparison, compare_on_same_rows
from training.gates.schema_changes import breaking_changes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset
    from training.gates.champion import ChampionBundle

NO_CHAMPION = "no champion is in service yet"
# Enough rows to know the shares of bins well.
MAX_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class ChampionComparison:
    """How a version compares with the champion.

    Attributes
    ----------
    paired : performance on the same rows; None where `obstacle` prevents it
    shifts : since the champion's baseline; None where it has no baseline or cannot read the rows
    schema_changes : changes that break clients; None without a champion
    """

    paired: PairedComparison | None = None
    shifts: dict[str, Any] | None = None
    schema_changes: list[str] | None = None
    obstacle: str = NO_CHAMPION


def compare_with_champion(
    champion: ChampionBundle | None,
    definition: Definition,
    path: str,
    datasets: tuple[Dataset, Dataset],
    score: Callable[[NDArray[np.float32]], NDArray[np.float64]] | None,
) -> ChampionComparison:
    """Let the champion read and score the rows of a version that was trained on `path`.

    Parameters
    ----------
    datasets : training rows and test rows of the version
    score : log-odds that the version gives its own rows; None where it has no score
    """
    if champion is None:
        return ChampionComparison()
    changes = breaking_changes(champion.contract, definition.contract())
    try:
        fitted, held_out = read_by_champion(champion, definition, path, datasets)
    except (DatasetError, DefinitionError) as error:
        obstacle = f"the champion cannot read the rows: {error}"
        return ChampionComparison(schema_changes=changes, obstacle=obstacle)
    if score is None:
        return ChampionComparison(None, _shifts(champion, fitted, None), changes, "")
    ours = _in_order_of(held_out, datasets[1])
    # The champion would have an advantage on rows that it was trained on.
    unknown = ~are_among(held_out.X, champion.training_rows)
    y = held_out.y[unknown]
    answers = run_log_odds(champion.session, held_out.X[unknown])
    found = _shifts(champion, fitted, answers)
    reason = too_few(int(y.sum()), int((1 - y).sum()))
    if reason is not None:
        obstacle = (
            f"the champion was not trained on {len(y)} of {len(unknown)} test rows, which hold "
            f"{reason}"
        )
        return ChampionComparison(None, found, changes, obstacle)
    paired = compare_on_same_rows(
        champion.version,
        y,
        answers,
        score(ours[unknown]),
        known=int((~unknown).sum()),
        recorded=bool(champion.training_rows),
    )
    return ChampionComparison(paired, found, changes, "")


def _in_order_of(read: Dataset, own: Dataset) -> NDArray[np.float32]:
    """Features of the version's own rows that the champion read, in the order of its reading."""
    order = np.argsort(own.rows)
    found: NDArray[np.float32] = own.X[order[np.searchsorted(own.rows, read.rows, sorter=order)]]
    return found


def some_rows(dataset: Dataset) -> Dataset:
    """At most MAX_ROWS of the rows, drawn at random, the same each time."""
    return dataset.take(drawn(len(dataset.X), MAX_ROWS))


def _shifts(
    champion: ChampionBundle, fitted: Dataset, log_odds: NDArray[np.float64] | None
) -> dict[str, Any] | None:
    """Shifts of the training rows from the champion's baseline.

    Like the baseline's, the score is that of rows that the champion was not trained on: the test
    rows, with their `log_odds`, and the training rows that are new to it.
    """
    before = champion.manifest.get("baseline")
    if before is None:
        return None
    fitted, contract = some_rows(fitted), champion.contract
    if log_odds is None:
        return shifts(before, contract, fitted.X, None)
    new = fitted.X[~are_among(fitted.X, champion.training_rows)]
    scored = np.concatenate([log_odds, run_log_odds(champion.session, new)])
    found = points(contract.score_scale, scored) if len(scored) else None
    return shifts(before, contract, fitted.X, found)
