import shutil

import pytest

from training.environment import ROOT, code_digest, graph_modules

pytestmark = pytest.mark.slow


@pytest.fixture
def copied(tmp_path):
    """Our code in another place, where a test may change it."""
    for folder in ("training", "scoreline"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


@pytest.fixture(scope="module")
def unchanged():
    return code_digest.__wrapped__(ROOT)


def changed_digest(root, file):
    path = root / file
    path.write_text(path.read_text() + "\n# changed\n")
    return code_digest.__wrapped__(root)


@pytest.mark.parametrize(
    "file",
    ["scoreline/api/fields.py", "scoreline/serving/champions.py", "training/report/page.py"],
)
def test_code_that_makes_no_graph_leaves_the_digest_alone(copied, unchanged, file):
    assert changed_digest(copied, file) == unchanged


@pytest.mark.parametrize(
    "file",
    [
        "scoreline/core/contract.py",
        "scoreline/definition/model.py",
        "training/data/split.py",
        "training/export/reference_group.py",
        "training/fit/calibration.py",
        "training/graph/trees.py",
        "training/recipes/default.py",
        "training/train.py",
    ],
)
def test_code_that_makes_graphs_changes_the_digest(copied, unchanged, file):
    assert changed_digest(copied, file) != unchanged


def test_lazy_imports_count_and_imports_for_types_do_not():
    found = graph_modules()

    assert "training.fit.boosters" in found
    assert "scoreline.aws.reader" not in found
