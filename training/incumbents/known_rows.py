"""Which of a challenger's rows another version was trained on, which would favour it there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from training.data.row_keys import row_keys
from training.incumbents.overlap import by_chance, shared_at_most

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.data.dataset import Dataset
    from training.incumbents.champion import ChampionBundle

# Up to this share, rows that are wrongly left out, or wrongly kept, hardly move a comparison.
FEW = 0.25


@dataclass(frozen=True, slots=True)
class KnownRows:
    """How rows are recognized that a version was trained on.

    Attributes
    ----------
    version : the version and the record of its training rows
    by : `identity` where ids or files tell, `features` where equal rows are the same rows, None
        where no row is recognized
    doubt : largest share of the test rows that the version may know although they are kept
    """

    version: ChampionBundle
    by: Literal["identity", "features"] | None
    doubt: float = 0.0

    def mask(self, dataset: Dataset) -> NDArray[np.bool_]:
        """Whether each row is recognized, shape (n_rows,)."""
        match self.by:
            case "identity":
                return self.version.rows.with_identity_of(dataset)
            case "features":
                return self.version.rows.with_features_of(dataset)
        return np.zeros(len(dataset.X), bool)

    def describe(self, count: int) -> str:
        """The treatment of known rows, of which so many were recognized, as a clause."""
        if self.doubt == 1:
            return "it may have been trained on some of them, which favours it"
        if self.doubt:
            return (
                f"it may have been trained on up to {self.doubt:.0%} of them, which favours it, as "
                "people with equal features cannot be told apart without an id"
            )
        if count:
            return f"{count:,} that it was trained on are left out"
        if self.by == "features":
            return "none of them equals a row that it was trained on"
        if self.by is None:
            return "no more of them equal its training rows than chance explains"
        return "it was trained on none of them"


def find_known_rows(version: ChampionBundle, fitted: Dataset, held_out: Dataset) -> KnownRows:
    """Recognize rows by their group or id, in the same files by their place, otherwise by features.

    Equal features of two people are a coincidence. Where these are frequent, no row is left out,
    and the share that the version may know is estimated from their number.

    Parameters
    ----------
    fitted, held_out : training and test rows of a challenger, with the version's features
    """
    theirs = version.rows
    have_identities = theirs.format > 1 and theirs.identity == held_out.identity
    if have_identities and (theirs.identity or version.has_read(held_out)):
        return KnownRows(version, "identity")
    if not len(theirs.features):
        return KnownRows(version, None, 1.0)
    test, ours = row_keys(held_out.X), row_keys(fitted.X)
    if by_chance(test, theirs.features, ours) <= FEW:
        return KnownRows(version, "features")
    doubt = shared_at_most(test, theirs.features, ours) if theirs.format > 1 else 1.0
    return KnownRows(version, None, 0.0 if doubt <= FEW else doubt)
