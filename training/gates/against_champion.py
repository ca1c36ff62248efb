"""A trained version beside the champion: on the same rows, against its population, its requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.core.errors import DatasetError, DefinitionError
from scoreline.scoring.many_rows import run_log_odds
from scoreline.scoring.scores import points
from training.data.row_keys import are_among
from training.evaluate.population_stability import shifts
from training.gates.champion_rows import as_read_by
from training.gates.comparison import Comparison, compare_versions
from training.gates.schema import breaking_changes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset
    from training.gates.champion import Champion

NO_CHAMPION = "nothing serves yet"
# Fewer rows of a class give a difference no standard error.
FEWEST = 2
# Shares of bins are known well enough from so many rows.
MOST_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Beside:
    """What there is to say of a version beside the champion.

    Attributes
    ----------
    comparison : None where there is none, for the reason `obstacle`
    moved : shifts since the champion's baseline; None where it has none or cannot read the rows
    changes : of the schema that break clients; None without a champion
    """

    comparison: Comparison | None = None
    moved: dict[str, Any] | None = None
    changes: list[str] | None = None
    obstacle: str = NO_CHAMPION


def stand_beside(
    champion: Champion | None,
    definition: Definition,
    path: str,
    datasets: tuple[Dataset, Dataset],
    score: Callable[[NDArray[np.float32]], NDArray[np.float64]] | None,
) -> Beside:
    """Let the champion read and score the rows of a version that was trained on `path`.

    Parameters
    ----------
    datasets : of the version, training rows and test rows
    score : log-odds that the version gives rows as it reads them; None where it has no score
    """
    if champion is None:
        return Beside()
    changes = breaking_changes(champion.contract, definition.contract())
    try:
        fitted, held_out = as_read_by(champion, definition, path, datasets)
    except (DatasetError, DefinitionError) as error:
        return Beside(changes=changes, obstacle=f"the champion cannot read the rows: {error}")
    if score is None:
        return Beside(None, _moved(champion, fitted, None), changes, "")
    ours = datasets[1].X[np.isin(datasets[1].rows, held_out.rows)]
    unknown = ~are_among(held_out.X, champion.training_rows)
    y = held_out.y[unknown]
    answers = run_log_odds(champion.session, held_out.X[unknown])
    moved = _moved(champion, fitted, answers)
    if min(int(y.sum()), int((1 - y).sum())) < FEWEST:
        rows = f"it was trained on all but {len(y)} of the {len(unknown)} test rows"
        return Beside(None, moved, changes, rows)
    comparison = compare_versions(
        champion.version,
        y,
        answers,
        score(ours[unknown]),
        known=int((~unknown).sum()),
        recorded=bool(champion.training_rows),
    )
    return Beside(comparison, moved, changes, "")


def some_rows(dataset: Dataset) -> Dataset:
    """At most MOST_ROWS of the rows, drawn at random, the same each time."""
    if len(dataset.X) <= MOST_ROWS:
        return dataset
    drawn = np.random.default_rng(1).choice(len(dataset.X), MOST_ROWS, replace=False)
    return dataset.take(np.sort(drawn))


def _moved(
    champion: Champion, fitted: Dataset, log_odds: NDArray[np.float64] | None
) -> dict[str, Any] | None:
    """Training rows against the champion's baseline.

    The score is that of rows which the champion was not trained on, as its baseline's is: the test
    rows' `log_odds`, and training rows that are new to it.
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
