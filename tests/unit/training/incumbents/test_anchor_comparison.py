"""Whether a version and the anchor are of one target."""

from types import SimpleNamespace

import pytest

from tests.sample import DEFINITION, definition
from training.incumbents.anchor_comparison import compare_with_anchor

LABELS = 'default = ["bad", 1, true]\ngood = ["good", 0, false]'


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param('default = ["good"]\ngood = ["bad"]', id="swapped"),
        pytest.param('default = ["bad", 0]\ngood = ["good"]', id="one changes sides"),
    ],
)
def test_a_label_that_changes_sides_makes_another_target(tmp_path, labels):
    target = definition(tmp_path).model_dump(mode="json")["target"]
    anchor = SimpleNamespace(version="v1", manifest={"definition": {"target": target}})
    other = definition(tmp_path, DEFINITION.replace(LABELS, labels))

    found = compare_with_anchor(anchor, other, "", (None, None), score=lambda X: X)

    assert (found.retired, found.obstacle) == (True, "it was trained for another target")
