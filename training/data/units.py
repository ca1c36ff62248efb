"""Units of rows that stay together, such as a customer's, and the order in which they are drawn.

A draw hashes each unit with the seed. So it depends neither on the order of the rows nor, but for
the share that is drawn, on which other rows there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pandas.util import hash_array

from training.data.row_keys import row_hashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
# Copies whose outcomes differ are at most this share of what different people would show.
CORRECTED = 0.1


def content_units(
    features: Sequence[NDArray[Any]], y: NDArray[np.int8]
) -> tuple[NDArray[np.uint64] | None, int]:
    """Units of rows that no id tells apart, and how many rows equal an earlier one.

    Rows that equal each other are a unit, since one is likely a copy of the other. Where rows with
    equal features often differ in their outcomes, though, they are different people whom few
    features cannot tell apart, and there are no units; nor are there where no row equals another. A
    few copies may differ, as outcomes are corrected later.

    Parameters
    ----------
    features : arrays of shapes (n_rows,) and (n_rows, n_columns)
    y : shape (n_rows, n_labels)
    """
    inputs = _content_hashes(features)
    n_different = len(np.unique(_content_hashes([inputs, y])))
    sizes = np.unique(inputs, return_counts=True)[1]
    n_conflicts = n_different - len(sizes)
    are_copies = len(sizes) < len(y) and n_conflicts <= CORRECTED * _conflicts_by_chance(sizes, y)
    return (inputs if are_copies else None), len(y) - n_different


def _conflicts_by_chance(sizes: NDArray[np.int64], y: NDArray[np.int8]) -> float:
    """Number of groups of rows, of these sizes, that would differ in y if its rows were shuffled.

    Parameters
    ----------
    y : shape (n_rows, n_labels)
    """
    shares = np.unique(_content_hashes([y]), return_counts=True)[1] / len(y)
    repeated, counts = np.unique(sizes, return_counts=True)
    pairs = zip(repeated.tolist(), counts.tolist(), strict=True)
    return float(sum(count * (1 - np.sum(shares**size)) for size, count in pairs))


def _content_hashes(parts: Iterable[NDArray[Any]]) -> NDArray[np.uint64]:
    """A hash of each row over arrays of shapes (n_rows,) or (n_rows, n_columns)."""
    hashes = np.zeros(1, np.uint64)
    for part in parts:
        if part.ndim == 2:
            found = row_hashes(part.astype(np.float32, copy=False))
        else:
            found = hash_array(part.astype(object) if part.dtype.kind == "U" else part)
        hashes = mixed(hashes ^ found)
    return hashes


def mixed(keys: NDArray[np.uint64], seed: int = 0) -> NDArray[np.uint64]:
    """Keys that look random and are another permutation for each seed.

    References
    ----------
    The finalizer of SplitMix64: Steele, Lea and Flood, Fast splittable pseudorandom number
    generators (OOPSLA 2014).
    """
    keys = keys + np.uint64((seed * GOLDEN) & MASK)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


def places(unit: NDArray[np.uint64], y: NDArray[np.int8] | None, seed: int) -> NDArray[np.float64]:
    """Each row's place in the drawn order of the units, between 0 and 1, shape (n_rows,).

    A range of places holds its share of the rows. Units with an event are ordered apart from the
    others, so that it holds its share of either kind. The rows of a unit have one place, the middle
    of those that they take.

    Parameters
    ----------
    y : 1 is the event, shape (n_rows,); None to order all units together
    """
    units, position, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    events = np.zeros(len(units)) if y is None else np.bincount(position, weights=y)
    order = np.argsort(mixed(units, seed))
    place = np.empty(len(units))
    for kind in (events > 0, events == 0):
        of_kind = order[kind[order]]
        ends = np.cumsum(sizes[of_kind])
        place[of_kind] = (ends - sizes[of_kind] / 2) / sizes[of_kind].sum()
    return place[position]
