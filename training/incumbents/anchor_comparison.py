"""Compares a trained version with the anchor, the best version of its model that ever served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scoreline.core.errors import DatasetError, DefinitionError
from training.fit.population import weighting_of
from training.incumbents.champion_rows import read_by_champion
from training.incumbents.known_rows import find_known_rows
from training.incumbents.shared_rows import score_shared_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset
    from training.incumbents.champion import ChampionBundle
    from training.incumbents.paired_comparison import PairedComparison
    from training.incumbents.shared_rows import Score


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
    gone : whether its files are gone, so that only an override promotes the next version
    """

    version: str
    paired: PairedComparison | None
    obstacle: str = ""
    retired: bool = False
    gone: bool = False


def compare_with_anchor(
    anchor: ChampionBundle | None,
    definition: Definition,
    path: str,
    datasets: tuple[Dataset, Dataset],
    score: Score | None,
    *,
    gone: str = "",
) -> AnchorComparison | None:
    """Let the anchor score the test rows; None without an anchor or a score.

    Parameters
    ----------
    path, datasets, score : as in `compare_with_champion`
    gone : the anchor where its files are gone
    """
    if gone:
        return AnchorComparison(gone, None, "its files are gone", retired=True, gone=True)
    if anchor is None or score is None:
        return None
    targets = anchor.manifest["definition"], definition.model_dump(mode="json")
    if not _agree(*(each["target"] for each in targets)):
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


def _agree(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two targets have one column, and no label that is a default in one of them alone.

    A label more, or another spelling, does not make another target: it would end the anchor's term.
    """
    swapped = {*one["default"]} & {*other["good"]} | {*one["good"]} & {*other["default"]}
    return one["column"] == other["column"] and not swapped
