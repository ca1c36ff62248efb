import pytest

from scoreline.governance.anchors import Anchor, next_anchor, stale_comparison

BEST = Anchor("A", 0.75)


def manifest(low=None, *, version="A", retired=False):
    """The manifest of a version with an AUC of 0.8 that was compared with an anchor."""
    paired = None if low is None else {"difference": {"low": low}}
    compared = {"version": version, "paired": paired, "retired": retired}
    return {"metrics": {"auc": {"value": 0.8}}, "anchor": compared}


@pytest.mark.parametrize(
    ("before", "judged", "after"),
    [
        pytest.param(None, {"metrics": {}}, Anchor("B", None), id="first"),
        pytest.param(None, manifest(), Anchor("B", 0.8), id="first, with an AUC"),
        pytest.param(BEST, manifest(0.001), Anchor("B", 0.8), id="better"),
        pytest.param(BEST, manifest(-0.001), BEST, id="not shown to be better"),
        pytest.param(BEST, manifest(), BEST, id="too few rows, overridden"),
        pytest.param(BEST, manifest(retired=True), Anchor("B", 0.8), id="retired"),
        pytest.param(BEST, manifest(0.1, version="Z"), BEST, id="better than another"),
        pytest.param(BEST, {"anchor": None}, BEST, id="not compared"),
        pytest.param(BEST, {}, BEST, id="before there were anchors"),
    ],
)
def test_only_a_version_that_is_shown_to_be_better_becomes_the_anchor(before, judged, after):
    assert next_anchor(before, "B", judged) == after


def test_a_comparison_with_a_former_anchor_does_not_count():
    assert "train it again" in stale_comparison(BEST, "B", manifest(0.1, version="Z"))
    assert stale_comparison(BEST, "B", manifest(0.1)) == ""
    assert stale_comparison(BEST, "A", manifest(0.1, version="Z")) == ""
    assert stale_comparison(None, "B", manifest(0.1)) == ""
    assert stale_comparison(BEST, "B", {}) == ""


def test_a_version_from_before_the_first_promotion_has_to_be_trained_again():
    area = {"auc": {"value": 0.8}}

    assert "with no other" in stale_comparison(BEST, "B", {"metrics": area, "anchor": None})
    assert stale_comparison(None, "B", {"metrics": area, "anchor": None}) == ""
    assert stale_comparison(BEST, "B", {"metrics": {}, "anchor": None}) == ""
