"""Compares a trained version with the anchor, the best version of its model that ever served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scoreline.core.errors import DatasetError, DefinitionError
from training.fit.population import weighting_of
from training.gates.champion_rows import read_by_champion
from training.gates.known_rows import find_known_rows
from training.gates.shared_rows import score_shared_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset
    from training.gates.champion import ChampionBundle
    from training.gates.paired_comparison import PairedComparison
    from training.gates.shared_rows import Score


@dataclass(frozen=True, slots=True)
class AnchorComparison:
    """How a version compares with the anchor.

    Attributes
    ----------
    version : the anchor
    paired : performance on the same rows, with the anchor as the champion; None where `obstacle`
        prevents it
    retired : whether the anchor cannot score rows of this definition any more, so that the next
        version that is promoted takes its place
    """

    version: str
    paired: PairedComparison | None
    obstacle: str = ""
    retired: bool = False


def compare_with_anchor(
    anchor: ChampionBundle | None,
    definition: Definition,
    path: str,
    datasets: tuple[Dataset, Dataset],
    score: Score | None,
) -> AnchorComparison | None:
    """Let the anchor score the test rows; None without an anchor or a score.

    Parameters
    ----------
    path, datasets, score : as in `compare_with_champion`
    """
    if anchor is None or score is None:
        return None
    targets = anchor.manifest["definition"], definition.model_dump(mode="json")
    if len({_outcome(each["target"]) for each in targets}) > 1:
        obstacle = "it was trained for another target"
        return AnchorComparison(anchor.version, None, obstacle, retired=True)
    try:
        fitted, held_out = read_by_champion(anchor, definition, path, datasets)
    except (DatasetError, DefinitionError) as error:
        obstacle = f"it cannot read the rows any more: {error}"
        return AnchorComparison(anchor.version, None, obstacle, retired=True)
    known = find_known_rows(anchor, fitted, held_out)
    shared = score_shared_rows(
        known, held_out, datasets[1], score, weighting_of(definition, held_out)
    )
    return AnchorComparison(anchor.version, shared.compare(), shared.obstacle)


def _outcome(target: Mapping[str, Any]) -> tuple[str, ...]:
    """The column of a target and the labels of both outcomes."""
    return (target["column"], *sorted(target["default"]), "", *sorted(target["good"]))
