"""How many people two samples share, estimated from features that several people have."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.intervals import QUANTILE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Keys = NDArray[np.uint32]


def by_chance(test: Keys, theirs: Keys, ours: Keys) -> float:
    """Share of new people whose features equal some of their rows by chance.

    Our training rows are other people than our test rows, so what these two share is chance. It
    grows no faster than the number of rows.

    Parameters
    ----------
    test, ours : keys of our test rows and of our training rows
    theirs : keys of the rows that another version was trained on
    """
    share = float(np.isin(test, ours).mean())
    return min(share * max(1.0, len(theirs) / len(ours)), 1.0)


def shared_at_most(test: Keys, theirs: Keys, ours: Keys) -> float:
    """Share of our test rows that may be among theirs: the upper end of a 95 % interval, up to 1.

    People whom both samples hold make the counts of keys in `theirs` follow those in `test` more
    closely than those in `ours` do. Of the N rows of a key in both training samples, a share p =
    m / (m + f) is theirs on average if nobody is shared, since the m and f rows come from one
    population. A shared part k of the T test rows adds k T. So k is the slope of the excess R - p N
    on T / N, weighted by N. Its variance is that of drawing m of the m + f rows without
    replacement: the interval is exact where nobody is shared and widens little beyond.

    Parameters
    ----------
    test, theirs, ours : as in `by_chance`, every row's key

    References
    ----------
    Cochran, Sampling Techniques (1977), section 2.5, on sampling without replacement.
    """
    T, R, F = _counts(test, theirs, ours)
    N, p = R + F, len(theirs) / (len(theirs) + len(ours))
    T, R, N = T[N > 0], R[N > 0], N[N > 0]
    slope_of = T / N - T.sum() / N.sum()
    information = float(np.sum(N * slope_of**2))
    if not information:
        return 1.0
    shared = float(np.sum(slope_of * (R - p * N))) / (1 - p) / information
    return min(shared + QUANTILE * sqrt(p / (1 - p) / information), 1.0)


def _counts(*samples: Keys) -> list[NDArray[np.float64]]:
    """How often each key occurs in each sample, shape (n_keys,)."""
    keys, places = np.unique(np.concatenate(samples), return_inverse=True)
    ends = np.cumsum([len(sample) for sample in samples])[:-1]
    return [np.bincount(p, minlength=len(keys)).astype(float) for p in np.split(places, ends)]
