"""Compares a trained version with the champion: performance, population, schema."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.core.errors import DatasetError, DefinitionError
from scoreline.definition.model import DefaultDefinition
from scoreline.scoring.many_rows import run_log_odds
from scoreline.scoring.scores import points
from training.data.sampling import drawn
from training.evaluate.population_stability import shifts
from training.fit.population import weighting_of
from training.incumbents.champion_rows import read_by_champion
from training.incumbents.known_rows import find_known_rows
from training.incumbents.schema_changes import breaking_changes
from training.incumbents.shared_rows import score_shared_rows

if TYPE_CHECKING:
    from scoreline.core.contract import Contract
    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset
    from training.incumbents.champion import ChampionBundle
    from training.incumbents.known_rows import KnownRows
    from training.incumbents.paired_comparison import PairedComparison
    from training.incumbents.shared_rows import Approve, Score, SharedRows

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
    score: Score | None,
    *,
    contract: Contract,
    approve: Approve | None = None,
) -> ChampionComparison:
    """Let the champion read and score the rows of a version that was trained on `path`.

    Parameters
    ----------
    datasets : training rows and test rows of the version
    contract : of the version, with its unlearned states
    score, approve : log-odds that the version gives its own rows, and whether it approves them;
        None where it has no score
    """
    if champion is None:
        return ChampionComparison()
    changes = breaking_changes(champion.contract, contract)
    try:
        fitted, held_out = read_by_champion(champion, definition, path, datasets)
    except (DatasetError, DefinitionError) as error:
        obstacle = f"the champion cannot read the rows: {error}"
        return ChampionComparison(schema_changes=changes, obstacle=obstacle)
    known = find_known_rows(champion, fitted, held_out)
    if score is None or approve is None or not isinstance(definition, DefaultDefinition):
        return ChampionComparison(None, _shifts(known, definition, fitted, None), changes, "")
    weighting = weighting_of(definition, held_out)
    shared = score_shared_rows(known, held_out, datasets[1], score, weighting)
    found = _shifts(known, definition, fitted, shared)
    paired = shared.compare()
    if paired is not None:
        paired = replace(paired, swap_set=shared.swap_set(definition, approve))
    return ChampionComparison(paired, found, changes, shared.obstacle)


def some_rows(dataset: Dataset) -> Dataset:
    """At most MAX_ROWS of the rows, drawn at random, the same each time."""
    return dataset.take(drawn(len(dataset.X), MAX_ROWS))


def _shifts(
    known: KnownRows, definition: Definition, fitted: Dataset, shared: SharedRows | None
) -> dict[str, Any] | None:
    """Shifts of the training rows from the champion's baseline.

    Like the baseline's, the score is that of rows that the champion was not trained on: the test
    rows that are `shared`, and the training rows that are new to it.
    """
    champion = known.version
    before = champion.manifest.get("baseline")
    if before is None:
        return None
    fitted, contract = some_rows(fitted), champion.contract
    # As in the baseline, or else the weights would look like a shift.
    names = before.get("weighted_by", [])
    weight = weighting_of(definition, fitted).only(names).given(fitted.y)
    if shared is None:
        return shifts(before, contract, fitted.X, None, (weight, None))
    new = ~known.mask(fitted)
    log_odds = [shared.theirs, run_log_odds(champion.session, fitted.X[new])]
    scored, both = np.concatenate(log_odds), None
    if weight is not None:
        both = np.concatenate([shared.weighting.only(names).of(shared.y), weight[new]])
    found = points(contract.score_scale, scored) if len(scored) else None
    return shifts(before, contract, fitted.X, found, (weight, both))
