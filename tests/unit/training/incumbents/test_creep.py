"""Versions of known AUC one after another: normal scores of both classes, correlated."""

from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import norm

from scoreline.definition.gate_settings import GateSettings
from scoreline.governance.anchors import Anchor, next_anchor
from training.gates.performance_gates import against_anchor
from training.incumbents.anchor_comparison import AnchorComparison
from training.incumbents.paired_comparison import compare_on_same_rows

pytestmark = pytest.mark.slow

SETTINGS = GateSettings()
ROWS, CORRELATION, FIRST = 4000, 0.98, 0.76


def shift(auc):
    """Distance of the means of both classes, in standard deviations, that gives this AUC."""
    return np.sqrt(2) * norm.ppf(auc)


def scores(rng, areas):
    """Outcomes, and for each AUC the scores of a version."""
    y = (np.arange(ROWS) % 4 == 0).astype(np.int8)
    common, own = rng.normal(size=ROWS), rng.normal(size=(len(areas), ROWS))
    noise = np.sqrt(CORRELATION) * common + np.sqrt(1 - CORRELATION) * own
    return y, [n + shift(area) * y for n, area in zip(noise, areas, strict=True)]


def compared(rng, before, after):
    y, (theirs, ours) = scores(rng, (before, after))
    return compare_on_same_rows("v0", y, theirs, ours, known=0, known_rows="it knows none")


def last_promoted(rng, areas, *, anchored):
    """The AUC of the last version that passes, each on a test set of its own."""
    champion = anchor = areas[0]
    for area in areas[1:]:
        paired = compared(rng, anchor if anchored else champion, area)
        if not against_anchor(AnchorComparison("v0", paired), SETTINGS).passed:
            continue
        champion = area
        manifest = {"anchor": asdict(AnchorComparison("v0", paired))}
        if next_anchor(Anchor("v0", anchor), "v1", manifest).version == "v1":
            anchor = area
    return champion


def test_twelve_small_losses_in_a_row_are_stopped_at_the_margin():
    areas = FIRST - 0.0035 * np.arange(13)  # each is well within the margin of the one before
    rng = np.random.default_rng(1)

    by_champion = [last_promoted(rng, areas, anchored=False) for _ in range(9)]
    by_anchor = [last_promoted(rng, areas, anchored=True) for _ in range(9)]

    assert np.median(by_champion) == areas[-1]  # all pass
    assert np.mean(by_anchor) >= FIRST - SETTINGS.margin
    assert min(by_anchor) >= FIRST - 1.5 * SETTINGS.margin  # an interval is wrong now and then


def test_improvements_raise_the_anchor_and_later_losses_count_from_there():
    areas = [FIRST, FIRST + 0.02, *(FIRST + 0.02 - 0.0035 * np.arange(1, 13))]
    rng = np.random.default_rng(2)

    last = [last_promoted(rng, areas, anchored=True) for _ in range(9)]

    assert np.mean(last) >= FIRST + 0.01


@pytest.mark.long
@pytest.mark.parametrize(
    ("loss", "low", "high"),
    [
        pytest.param(0.0, 0.97, 1.0, id="equal"),
        pytest.param(SETTINGS.margin, 0.005, 0.05, id="worse by the margin"),
        pytest.param(1.5 * SETTINGS.margin, 0.0, 0.005, id="worse by more"),
    ],
)
def test_the_gate_passes_as_often_as_its_interval_says(loss, low, high):
    """An interval of 95 % passes a loss of the whole margin in 2.5 % of test sets."""
    rng = np.random.default_rng(3)
    drawn = [compared(rng, FIRST, FIRST - loss) for _ in range(200)]

    passed = [against_anchor(AnchorComparison("v0", p), SETTINGS).passed for p in drawn]

    assert low <= np.mean(passed) <= high


@pytest.mark.long
def test_an_equal_version_is_rarely_shown_to_be_better():
    """So rarely does a version that is no better promote itself, or become the anchor."""
    rng = np.random.default_rng(4)

    better = [compared(rng, FIRST, FIRST).difference.low > 0 for _ in range(200)]

    assert 0.005 <= np.mean(better) <= 0.05
