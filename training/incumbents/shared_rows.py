"""A challenger's test rows that another version was not trained on either, scored by both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scoreline.scoring.many_rows import run_log_odds
from training.evaluate.intervals import too_few
from training.incumbents.paired_comparison import PairedComparison, compare_on_same_rows
from training.incumbents.swap_set import approvals, find_swap_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from scoreline.definition.model import DefaultDefinition
    from training.data.dataset import Dataset
    from training.evaluate.weighting import Weighting
    from training.incumbents.known_rows import KnownRows
    from training.incumbents.swap_set import SwapSet

    Score = Callable[[NDArray[np.float32]], NDArray[np.float64]]
    # Rows and their log-odds -> whether the challenger approves them.
    Approve = Callable[[NDArray[np.float32], NDArray[np.float64]], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class SharedRows:
    """The rows, and the log-odds that both versions give them.

    Attributes
    ----------
    rows : the rows as the challenger reads them
    theirs, ours : log-odds, shape (n_rows,)
    left_out : number of test rows that the other version was trained on
    weighting : how many rows of the population each row stands for
    X : the rows as the other version reads them
    """

    known: KnownRows
    rows: Dataset
    theirs: NDArray[np.float64]
    ours: NDArray[np.float64]
    left_out: int
    weighting: Weighting
    X: NDArray[np.float32]

    @property
    def y(self) -> NDArray[np.int8]:
        """1 is default, shape (n_rows,)."""
        return self.rows.y

    @property
    def obstacle(self) -> str:
        """Why the versions cannot be compared on these rows; empty if they can."""
        defaults = int(self.y.sum())
        reason = too_few(defaults, len(self.y) - defaults)
        if reason is None:
            return ""
        total = len(self.y) + self.left_out
        version = self.known.version.version
        return (
            f"{version} was not trained on {len(self.y)} of {total} test rows, which hold {reason}"
        )

    def compare(self) -> PairedComparison | None:
        """The performance of both versions; None where there is an obstacle."""
        if self.obstacle:
            return None
        return compare_on_same_rows(
            self.known.version.version,
            self.y,
            self.theirs,
            self.ours,
            self.weighting,
            known=self.left_out,
            known_rows=self.known.describe(self.left_out),
        )

    def swap_set(self, definition: DefaultDefinition, approve: Approve) -> SwapSet:
        """Whom both versions approve; definition and approvals are the challenger's."""
        version = self.known.version
        theirs = approvals(version.contract, version.session)(self.X, self.theirs)
        return find_swap_set(definition, self.rows, approve(self.rows.X, self.ours), theirs)


def score_shared_rows(
    known: KnownRows, read: Dataset, own: Dataset, score: Score, weighting: Weighting
) -> SharedRows:
    """Let both versions score the test rows that the other one does not know.

    Parameters
    ----------
    read, own : the test rows as the other version reads them, perhaps fewer, and as the challenger
    score : log-odds that the challenger gives its own rows
    weighting : of the rows that are read
    """
    unknown = ~known.mask(read)
    shared = _in_order_of(read, own).take(np.flatnonzero(unknown))
    return SharedRows(
        known,
        shared,
        run_log_odds(known.version.session, read.X[unknown]),
        score(shared.X),
        int((~unknown).sum()),
        weighting.take(unknown),
        read.X[unknown],
    )


def _in_order_of(read: Dataset, own: Dataset) -> Dataset:
    """The version's own rows that the other one read, in the order of its reading."""
    order = np.argsort(own.rows)
    return own.take(order[np.searchsorted(own.rows, read.rows, sorter=order)])
