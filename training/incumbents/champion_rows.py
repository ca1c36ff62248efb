"""The rows of a challenger, read with the champion's definition."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from scoreline.core.errors import TrainingError
from scoreline.definition.files import restore_definition
from training.data.load import load_dataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset
    from training.incumbents.champion import ChampionBundle


def read_by_champion(
    champion: ChampionBundle,
    definition: Definition,
    path: str,
    datasets: tuple[Dataset, Dataset],
) -> tuple[Dataset, Dataset]:
    """Training and test rows with the champion's features, except rows that it would refuse.

    Raises
    ------
    DatasetError, DefinitionError
        The champion cannot read the dataset, or its definition is no longer valid.
    TrainingError
        The files changed.
    """
    # With equal features, the rows are read and encoded alike.
    if champion.contract.features == definition.inputs:
        return datasets
    # The id, the group and the columns of the split are the challenger's: others tell nothing about
    # its rows, or are not in its dataset. So are money and the weights, which `_rows_of` keeps.
    split = definition.split.model_dump(mode="json")
    names = {"id": definition.id, "group": definition.group, "weight": "", "split": split}
    stored = {**champion.manifest["definition"], **names}
    stored.pop("economics", None)
    whole = load_dataset(restore_definition(stored), path)
    if whole.fingerprint != datasets[0].fingerprint:
        raise TrainingError(f"{path}: the files changed during training")
    first, second = (_rows_of(whole, dataset) for dataset in datasets)
    return first, second


def _rows_of(whole: Dataset, wanted: Dataset) -> Dataset:
    """Some rows of another reading of the same dataset, with the wanted outcomes and weights."""
    # Row numbers in the files identify rows across readings with different exclusions.
    shared, ours, theirs = np.intersect1d(
        whole.rows, wanted.rows, assume_unique=True, return_indices=True
    )
    positions: NDArray[np.int64] = ours
    weight = None if wanted.weight is None else wanted.weight[theirs]
    return replace(whole.take(positions), y=wanted.y[theirs], weight=weight, rows=shared)
