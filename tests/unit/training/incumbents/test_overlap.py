"""Samples of people with few or many different features, of whom a known share is in both."""

import numpy as np
import pytest

from training.incumbents.known_rows import FEW
from training.incumbents.overlap import by_chance, shared_at_most

pytestmark = pytest.mark.slow

KINDS = pytest.mark.parametrize(("kinds", "skew"), [(1024, 0), (1024, 1), (10_000, 1)])
SIZES = pytest.mark.parametrize(
    ("theirs", "ours", "test"), [(9000, 9000, 3000), (2000, 4000, 1500), (8000, 3000, 1000)]
)


def samples(rng, kinds, skew, sizes, shared):
    """Keys of test rows, their rows and our rows; `shared` of the test rows are theirs, too."""
    odds = np.exp(skew * rng.normal(size=kinds))
    theirs, ours, test = (
        rng.choice(kinds, size, p=odds / odds.sum()).astype(np.uint32) for size in sizes
    )
    both = int(shared * len(test))
    theirs[:both] = rng.permutation(test)[:both]
    return test, theirs, ours


def bounds(kinds, skew, sizes, shared):
    rng = np.random.default_rng(1)
    return np.array([shared_at_most(*samples(rng, kinds, skew, sizes, shared)) for _ in range(40)])


@KINDS
@SIZES
def test_new_people_with_equal_features_are_seen_to_be_new(kinds, skew, theirs, ours, test):
    found = bounds(kinds, skew, (theirs, ours, test), shared=0)

    assert (found >= 0).mean() > 0.9  # the upper end covers the truth
    if ours > theirs / 2:  # a small file cannot show it
        assert (found <= FEW).mean() > 0.8


@KINDS
@SIZES
@pytest.mark.parametrize("shared", [0.4, 0.75])
def test_a_shared_part_is_never_taken_for_chance(kinds, skew, theirs, ours, test, shared):
    assert bounds(kinds, skew, (theirs, ours, test), shared).min() > FEW


def test_four_kinds_of_people_cannot_be_told_apart():
    assert (bounds(4, 0, (9000, 9000, 3000), shared=0) > FEW).mean() > 0.8


def test_the_order_of_the_rows_does_not_matter():
    rng = np.random.default_rng(1)
    drawn = samples(rng, 500, 1, (2000, 2000, 500), 0.2)

    assert shared_at_most(*drawn) == shared_at_most(*map(rng.permutation, drawn))
    assert by_chance(*drawn) == by_chance(*map(rng.permutation, drawn))


def test_chance_is_what_other_people_of_the_population_share():
    rng = np.random.default_rng(1)
    test, theirs, ours = samples(rng, 10_000, 0, (2000, 2000, 5000), 0)

    assert by_chance(test, theirs, ours) == pytest.approx(1 - np.exp(-0.2), abs=0.02)
    assert np.isin(test, theirs).mean() == pytest.approx(1 - np.exp(-0.2), abs=0.02)
    assert by_chance(np.arange(50), np.arange(50), np.arange(50, 99)) == 0.0
