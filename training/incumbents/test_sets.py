"""How often each test set has judged versions: the more often, the more optimistic its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.core.versions import digest
from training.data.row_keys import row_hashes
from training.data.units import mixed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from training.data.dataset import Dataset

MAX_COUNTED = 20  # each manifest passes these counts on to the next


def describe_test_set(held_out: Dataset, before: Mapping[str, int]) -> dict[str, Any]:
    """The section of the manifest: which test set, and how many versions it has judged by now.

    Parameters
    ----------
    before : counts in the manifest of the version before
    """
    # The rows are the same test set in whatever order.
    fingerprint = digest(np.sort(_numbers(held_out)).astype("<u8").tobytes())
    counts = count_version(before, fingerprint)
    return {"fingerprint": fingerprint, "versions": counts[fingerprint], "counts": counts}


def _numbers(held_out: Dataset) -> NDArray[np.uint64]:
    """A number for each row: of its identity, or without an id, of its time and outcome.

    Places in files would tell a test set by time apart from itself after another export. The rows
    of a random split without an id are drawn by their places.
    """
    if held_out.identity or held_out.time is None:
        return held_out.identities
    outcomes = row_hashes(held_out.y.reshape(len(held_out.y), -1).astype(np.float32))
    return mixed(outcomes ^ (held_out.time + 0.0).view(np.uint64))


def count_version(before: Mapping[str, int], test_set: str) -> dict[str, int]:
    """The counts with one version more for a test set, which comes last; the oldest are dropped.

    Parameters
    ----------
    before : fingerprint -> number of versions that the test set has judged

    Examples
    --------
    >>> count_version({"a": 2, "b": 1}, "a")
    {'b': 1, 'a': 3}
    """
    others = [(name, count) for name, count in before.items() if name != test_set]
    return dict([*others, (test_set, before.get(test_set, 0) + 1)][-MAX_COUNTED:])
