"""What the Makefile installs is what the lock files name, hash by hash."""

import re

import pytest

from local.template import ROOT

MAKEFILE = (ROOT / "Makefile").read_text().replace("\\\n", " ")
LOCKS = sorted([*ROOT.glob("requirements/*.txt"), *ROOT.glob("functions/*/requirements.txt")])


def test_every_installation_checks_hashes_but_that_of_the_clone_itself():
    installs = re.findall(r"^.*pip (?:install|sync) .*$", MAKEFILE, re.MULTILINE)
    unchecked = [line for line in installs if "--require-hashes" not in line]

    assert len(installs) >= 4
    assert [line.split()[-2:] for line in unchecked] == [["--editable", "."]]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_locked_requirement_has_a_hash(lock):
    blocks = re.findall(r"^[\w.-]+(?:\[.*\])?==.*(?:\n    .*)*", lock.read_text(), re.MULTILINE)

    assert blocks
    assert not [block.split()[0] for block in blocks if "--hash=sha256:" not in block]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_lock_writes_every_lock_file(lock):
    recipe = MAKEFILE.partition("\nlock:")[2].partition("\n\n")[0]

    assert lock.with_suffix(".in").exists()
    assert lock.parent.name in [*re.findall(r"\w+", recipe), "requirements"]


def test_every_tool_environment_comes_from_a_lock_file():
    tools = set(re.findall(r"\.venv-([a-z]+)/\.installed", MAKEFILE))

    assert tools
    assert not [tool for tool in tools if not (ROOT / "requirements" / f"{tool}.txt").exists()]


def test_make_bench_runs_every_benchmark():
    named = re.search(r"for name in ([\w ]+); do \$\(PYTHON\) -m bench", MAKEFILE)[1].split()
    benchmarks = {
        path.stem for path in ROOT.glob("bench/*.py") if "\ndef main(" in path.read_text()
    }

    assert {*named, "cold_start"} == benchmarks - {"pages"}
