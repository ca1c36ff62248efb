"""Categories that are not listed, in columns that accept them: counted, and refused if too many."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.compute as pc

from scoreline.core.categories import CategoryCodes
from scoreline.core.errors import DatasetError
from scoreline.core.features import UNSEEN_CATEGORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from scoreline.core.features import Feature
    from training.data.dataset import Dataset

# Rare categories may stay unlisted; more than this share points to another spelling of the column.
MAX_UNSEEN_SHARE = 0.05
# Fewer rows prove nothing: a file to try things out on may hold one rare category twice.
MIN_UNSEEN_ROWS = 20
# Of columns with just this share, one in a hundred exceeds it by more standard deviations.
QUANTILE = 2.326
NORMALIZED: Literal["case and spaces"] = "case and spaces"


def unseen_rows(features: Sequence[Feature], X: NDArray[np.float32]) -> dict[str, int]:
    """Feature -> rows with a category that is not listed, for the features that have such rows.

    Parameters
    ----------
    X : shape (n_rows, n_features)
    """
    counts = {
        feature.name: int((X[:, position] == UNSEEN_CATEGORY).sum())
        for position, feature in enumerate(features)
        if feature.type == "category"
    }
    return {name: count for name, count in counts.items() if count}


def unlisted_problems(
    features: Sequence[Feature],
    table: pa.Table,
    rows: NDArray[np.int64],
    X: NDArray[np.float32],
) -> Iterator[str]:
    """A sentence for each feature of which too many rows hold a category that is not listed.

    It tells how the texts differ from the listed ones.

    Parameters
    ----------
    table : all rows, as read
    rows, X : positions in the table of the rows that are kept, and their encoded values
    """
    for position, feature in enumerate(features):
        is_unseen = X[:, position] == UNSEEN_CATEGORY
        if feature.type == "category" and _are_many(int(is_unseen.sum()), len(X)):
            texts = table[feature.dataset_column].take(pa.array(rows[is_unseen]))
            yield (
                f"{feature.name}: {len(texts):,} of {len(X):,} rows hold a category that is not"
                f" listed, over {MAX_UNSEEN_SHARE:.0%}; {_cause(feature, texts)}"
            )


def refuse_unlisted(dataset: Dataset) -> None:
    """Raise a DatasetError where too many rows of a dataset hold categories that are not listed.

    A version that is trained again, or that reads the rows of a later one, takes them as they are.
    """
    if dataset.unlisted:
        raise DatasetError(". ".join(dataset.unlisted))


def _are_many(unseen: int, rows: int) -> bool:
    """Whether the share is above the largest one by more than chance explains."""
    spread = QUANTILE * sqrt(rows * MAX_UNSEEN_SHARE * (1 - MAX_UNSEEN_SHARE))
    return unseen >= MIN_UNSEEN_ROWS and unseen > MAX_UNSEEN_SHARE * rows + spread


def _cause(feature: Feature, texts: pa.ChunkedArray) -> str:
    """How most of the texts would be listed ones, where a change of spelling makes them so."""
    counted = pc.value_counts(texts.combine_chunks())
    pairs = [(str(pair["values"]), int(pair["counts"])) for pair in counted.to_pylist()]
    codes, relaxed = CategoryCodes(feature), CategoryCodes(replace(feature, normalize=NORMALIZED))
    stripped = sum(n for text, n in pairs if codes.code_of_cell(text.strip()) != UNSEEN_CATEGORY)
    alike = sum(n for text, n in pairs if relaxed.code_of_cell(text) != UNSEEN_CATEGORY)
    if 2 * alike < len(texts):
        return "list them in categories, or as category_aliases of those that are listed"
    difference = "spaces before or after the text" if stripped == alike else "case or spaces"
    return (
        f"{alike:,} of them differ from a listed one by {difference} alone, which"
        f' normalize = "{NORMALIZED}" ignores'
    )
