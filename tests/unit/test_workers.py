"""What the tests themselves rest on."""

import subprocess
import sys

import pytest

MODULE = """
import os
import pytest

@pytest.mark.xdist_group("stack")
@pytest.mark.parametrize("number", range(4))
def test_writes_its_worker(number, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp().parent / "workers"
    folder.mkdir(exist_ok=True)
    (folder / os.environ["PYTEST_XDIST_WORKER"]).touch()
"""


@pytest.mark.slow
def test_tests_of_one_group_run_in_one_worker(tmp_path):
    (tmp_path / "test_group.py").write_text(MODULE)
    base = tmp_path / "base"
    options = ["-n", "2", "--dist", "loadgroup", "-c", "/dev/null", f"--basetemp={base}"]

    subprocess.run(
        [sys.executable, "-m", "pytest", *options, tmp_path], check=True, capture_output=True
    )

    assert len(list((base / "workers").iterdir())) == 1
