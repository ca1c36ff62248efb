"""Each function is shipped with the rooms that it imports, and with no others."""

import re
import subprocess
from functools import cache

import grimp
import pytest

from local.template import ROOT

MAKEFILE = (ROOT / "functions" / "Makefile").read_text()
CONTEXT = (ROOT / ".dockerignore").read_text().splitlines()


@cache
def imports():
    packages = ("functions", "models", "scoreline", "training")
    return grimp.build_graph(*packages, exclude_type_checking_imports=True, cache_dir=None)


def needed(function):
    """The rooms that a function imports, directly or not, imports inside functions included."""
    modules = imports().find_upstream_modules(f"functions.{function}", as_package=True)
    return {"/".join(name.split(".")[:2]) for name in modules if "." in name} - {"models/__init__"}


def of(package, rooms):
    return {room for room in rooms if room.startswith(f"{package}/")}


@pytest.mark.parametrize("function", ["predict", "admin"])
def test_a_zip_takes_exactly_the_rooms_that_the_function_imports(function):
    [rooms] = re.findall(rf"^ROOMS_{function} := (.+)$", MAKEFILE, re.MULTILINE)

    assert {f"scoreline/{room}" for room in rooms.split()} == needed(function)


def test_the_train_image_takes_exactly_the_rooms_that_the_function_imports():
    admitted = {line[1:] for line in CONTEXT if line.startswith("!")}

    assert of("scoreline", admitted) - {"scoreline/__init__.py"} == of("scoreline", needed("train"))
    assert of("functions", admitted) == {"functions/__init__.py", "functions/train"}


@pytest.mark.parametrize("function", ["predict", "admin", "train"])
def test_no_function_imports_another(function):
    assert not of("functions", needed(function))


@pytest.mark.parametrize(
    ("uv", "installer"), [("", "-m pip install"), ("/bin/uv", '"/bin/uv" pip')]
)
def test_a_machine_without_uv_installs_with_pip(uv, installer):
    command = ["make", "-n", "-C", "functions", "package-admin", "ARTIFACTS_DIR=zip", f"UV={uv}"]
    planned = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    [line] = [line for line in planned.splitlines() if "--require-hashes" in line]
    assert installer in line
