"""The wheel in an empty virtual environment: a command that works in an empty folder."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import httpx
import pytest

import scoreline
from local.environment import without_aws
from local.template import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

UV = os.environ.get("UV") or shutil.which("uv") or str(ROOT / ".uv" / "bin" / "uv")


def run(*command, folder, **options):
    """The finished process, which must have succeeded, in the environment of a stranger."""
    kept = ("HOME", "PATH", "UV_CACHE_DIR", "SSL_CERT_FILE")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """The installed command; what uv's cache lacks comes from the network."""
    folder = tmp_path_factory.mktemp("wheel")
    run(UV, "build", "--python", sys.executable, "--out-dir", folder, folder=ROOT)
    [wheel] = folder.glob("*.whl")
    run(UV, "venv", "--python", sys.executable, "venv", folder=folder)
    install = [UV, "pip", "install", "--python", "venv", wheel]
    locked = ["--constraint", ROOT / "requirements" / "dev.txt"]
    try:
        run(*install, *locked, "--offline", folder=folder)
    except AssertionError:
        run(*install, *locked, folder=folder)
    return folder / "venv" / "bin" / "scoreline"


def test_version_and_help(command, tmp_path):
    shown = run(command, "--version", folder=tmp_path)

    assert shown.stdout == f"scoreline {scoreline.__version__}\n"
    assert "Commands:" in run(command, "--help", folder=tmp_path).stdout


def test_the_demo_trains_and_scores_in_an_empty_folder(command, tmp_path):
    done = run(command, "demo", folder=tmp_path, timeout=600)

    assert re.search(r"Test AUC  0\.8\d+", done.stdout)
    assert '"decision": "decline"' in done.stdout
    assert "german-credit" in (tmp_path / ".scoreline" / "demo" / "report.html").read_text()


def test_commands_without_a_deployment(command, tmp_path):
    run(command, "generate", "loan-risk", "--rows", "300", folder=tmp_path)
    compared = run(
        *(command, "compare", "loan-risk", "--dataset", "loan-risk.parquet", "--folds", "2"),
        *("--algorithms", "woe_scorecard", "--json"),
        folder=tmp_path,
    )
    features = run(command, "features", "list", "home-credit", "--json", folder=tmp_path)

    assert [found["algorithm"] for found in json.loads(compared.stdout)] == ["woe_scorecard"]
    assert len(json.loads(features.stdout)["features"]) > 20


def test_serve_answers_and_ends_with_ctrl_c(command, tmp_path):
    (tmp_path / "models").mkdir()  # a folder of the user's that has the name of a package
    process = subprocess.Popen(
        [command, "serve", "--http-port=0", "--aws-port=0"],
        cwd=tmp_path,
        env=without_aws(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        lines = iter(process.stdout.readline, "")
        url = next(found[0] for line in lines if (found := re.search(r"http://\S+", line)))
        document = httpx.get(f"{url}/openapi.json", timeout=60).json()
    finally:
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        process.stdout.close()

    assert process.wait(60) == 0
    assert document["info"]["version"] == scoreline.__version__
    assert (tmp_path / ".scoreline" / "state.json").exists()
