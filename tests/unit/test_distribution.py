"""The distribution `scoreline` declares what its packages import, in ranges that the lock meets."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local.template import ROOT
from scoreline.scoring.capi import VERSION

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PATTERNS = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
PACKAGES = [pattern.removesuffix("*") for pattern in PATTERNS]
DEPENDENCIES = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
DEV, MLFLOW = (
    [Requirement(text) for text in PROJECT["project"]["optional-dependencies"][extra]]
    for extra in ("dev", "mlflow")
)
PART_OF = {"botocore": "boto3", "pydantic-core": "pydantic"}
NOT_INSTALLED = {"bench", "docs", "tests"}
LOCKS = "".join((ROOT / "requirements" / name).read_text() for name in ("dev.txt", "demo.txt"))
LOCKED = {
    canonicalize_name(name): version
    for name, version in re.findall(r"^([\w.-]+)(?:\[.*\])?==(\S+)", LOCKS, re.MULTILINE)
}


def names(requirements):
    return {canonicalize_name(requirement.name) for requirement in requirements}


def is_type_checking(node):
    return isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"


def imported(tree):
    """Top-level names of the modules that run-time code imports."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        elif not is_type_checking(node):
            yield from imported(node)


def third_party():
    paths = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    trees = (ast.parse(path.read_text()) for path in paths)
    found = {name for tree in trees for name in imported(tree)}
    return sorted(found - set(PACKAGES) - sys.stdlib_module_names)


@pytest.mark.slow
def test_every_imported_library_is_declared():
    distributions = packages_distributions()
    declared = names(DEPENDENCIES + MLFLOW)
    undeclared = []
    for module in third_party():
        found = {canonicalize_name(name) for name in distributions[module]}
        if not {PART_OF.get(name, name) for name in found} & declared:
            undeclared.append(module)

    assert undeclared == []


@pytest.mark.parametrize("requirement", DEPENDENCIES + DEV, ids=str)
def test_the_lock_meets_every_requirement(requirement):
    assert requirement.specifier.contains(LOCKED[canonicalize_name(requirement.name)])


def test_onnxruntime_is_the_version_whose_functions_we_call_by_position():
    [requirement] = [r for r in DEPENDENCIES if r.name == "onnxruntime"]

    assert str(requirement.specifier) == f"=={VERSION}"


def test_the_lock_asks_for_nothing_that_the_distribution_does_not_declare():
    inputs = [ROOT / "requirements" / "dev.in", *ROOT.glob("functions/*/requirements.in")]
    lines = (line for path in inputs for line in path.read_text().splitlines())
    asked = [Requirement(line.partition("#")[0]) for line in lines if re.match(r"\w", line)]

    assert names(asked) <= names(DEPENDENCIES) | names(DEV)


def test_every_package_and_its_data_is_in_the_distribution():
    data = PROJECT["tool"]["setuptools"]["package-data"]
    patterns = {(package.replace(".", "/"), p) for package, ps in data.items() for p in ps}
    kept = {path for folder, p in patterns for path in (ROOT / folder).glob(p)}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - NOT_INSTALLED
    others = {
        path
        for package in packages
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }

    assert packages == set(PACKAGES)
    assert {path for path in others - kept if "functions" not in path.parts} == set()
