"""The command starts fast, and says what it is."""

import importlib.metadata
import subprocess
import sys

import pytest
import typer.main
from typer.testing import CliRunner

import scoreline
from cli.app import app
from scoreline.api.openapi import openapi_document

HEAVY = {
    *("boto3", "botocore", "moto", "starlette", "uvicorn", "httpx", "yaml", "rich"),
    *("numpy", "pandas", "pyarrow", "pydantic", "sklearn", "scipy", "xgboost", "lightgbm"),
    *("onnx", "onnxruntime", "duckdb", "ibis"),
}
WITHOUT_RESULT = {"serve", "demo"}
ALWAYS_JSON = {"predict", "schema"}


def commands(group=None, path=()):
    """(words, click command) of every command."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands())


def test_help_imports_no_heavy_library():
    code = "import sys; from cli.app import app; app(['--help'], standalone_mode=False)"
    code += "; print(*sys.modules, file=sys.stderr)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not HEAVY & {name.split(".")[0] for name in done.stderr.split()}


def test_the_version_has_one_source():
    shown = CliRunner().invoke(app, ["--version"])
    document = openapi_document()

    assert (shown.exit_code, shown.output) == (0, f"scoreline {scoreline.__version__}\n")
    assert importlib.metadata.version("scoreline") == scoreline.__version__
    assert document["info"]["version"] == scoreline.__version__


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_that_fits_a_line(words):
    done = CliRunner().invoke(app, [*words, "--help"])

    assert done.exit_code == 0
    assert "Usage" in done.output
    assert len(COMMANDS[words].get_short_help_str(limit=200)) <= 64


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_with_a_result_prints_it_as_json(words):
    options = {option for p in COMMANDS[words].params for option in p.opts}

    assert ("--json" in options) == (words[0] not in WITHOUT_RESULT | ALWAYS_JSON)


def test_the_help_documents_the_exit_codes():
    shown = CliRunner().invoke(app, ["--help"]).output.partition("Exit codes:")[2]

    assert [line.split()[0] for line in shown.splitlines() if line.strip()] == ["0", "1", "2", "3"]
