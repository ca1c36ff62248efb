import importlib
import pkgutil
import re

import pytest

import batch
import functions
import training
from scoreline.core import errors
from scoreline.core.errors import ScorelineError

LINE = re.compile(r"^[│├└─ ]*(?P<name>\w+Error) +(?P<status>\d{3}) ", re.MULTILINE)


def all_errors(base=ScorelineError):
    """The base and every subclass that any module of ours defines."""
    for package in (batch, functions, training):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found = [base]
    for error in found:
        found.extend(e for e in error.__subclasses__() if not e.__module__.startswith("tests."))
    return found


@pytest.fixture(scope="module")
def every_error():
    return all_errors()


def test_every_error_is_defined_in_the_module_of_the_tree(every_error):
    assert {error.__module__ for error in every_error} == {errors.__name__}


def test_the_tree_names_every_error_with_its_status(every_error):
    tree = {match["name"]: int(match["status"]) for match in LINE.finditer(errors.__doc__)}

    assert tree == {error.__name__: error.status for error in every_error}


def test_codes_are_one_to_one(every_error):
    codes = [error.code for error in every_error if error is not errors.TrainingError]

    assert len(set(codes)) == len(codes)
