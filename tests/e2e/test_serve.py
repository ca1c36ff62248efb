"""`scoreline serve` in an empty folder: five models, each trained, promoted and answering."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from cli.seed_data import MODELS
from local.environment import without_aws
from local.template import ROOT
from tests.support import load_event

pytestmark = pytest.mark.e2e

EVENTS = {
    "german-credit": "predict-german-credit",
    "credit-card": "predict-credit-card",
    "loan-risk": "predict-loan-risk",
    "product-recommendation": "predict-product-recommendation",
    "home-credit": "predict-home-credit",
}
SEEDED_S = 900


@contextmanager
def serving(folder, errors, **variables):
    """The base address of `scoreline serve`, which must end well with Ctrl-C."""
    command = [Path(sys.executable).with_name("scoreline"), "serve"]
    options = ["--http-port=0", "--aws-port=0", f"--state-dir={folder}"]
    environment = {**without_aws(os.environ), **variables}
    environment = {name: value for name, value in environment.items() if value}
    with open(errors, "w") as stderr:
        process = subprocess.Popen(
            [*command, *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=environment,
        )
        try:
            lines = iter(process.stdout.readline, "")
            yield next(found[0] for line in lines if (found := re.search(r"http://\S+", line)))
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            process.stdout.close()
            code = process.wait(60)
    assert code == 0


def eventually(check, timeout_s):
    deadline = time.monotonic() + timeout_s
    while not (found := check()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


def champions(client):
    """Champion of each model that has one, and whether it was trained on invented data."""
    models = client.get("/config").raise_for_status().json()["models"]
    return {
        model: (serving["champion"]["version"], serving["dataset"]["generated"])
        for model, serving in models.items()
        if serving["champion"]
    }


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    """The state that the first start leaves, and what it served."""
    folder = tmp_path_factory.mktemp("serve")
    with (
        serving(folder / "state", folder / "errors", DATA_DIR="") as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        assert client.get("/config").status_code == 200, "HTTP is up before anything is trained"
        banks = eventually(lambda: len(b := banks_of(client)) == len(MODELS) and b, SEEDED_S)
        assert banks, (folder / "errors").read_text()
        served = champions(client)
        answers = {model: post(client, event) for model, event in EVENTS.items()}
    return folder / "state", served, banks, answers


def banks_of(client):
    return client.get("/config").raise_for_status().json()["banks"]


def post(client, name):
    event = load_event(name)
    return client.post(event["path"], json=json.loads(event["body"]))


@pytest.mark.parametrize("model", MODELS)
def test_every_model_answers_its_event_with_the_version_that_was_promoted(seeded, model):
    _, served, _, answers = seeded
    body = answers[model].json()

    assert answers[model].status_code == 200, body
    assert (body["model"], body["version"]) == (model, served[model][0])
    assert body.get("recommendations") or body["decision"] in ("approve", "refer", "decline")


def test_config_says_which_data_is_invented(seeded):
    _, served, _, _ = seeded

    assert {model for model, (_, invented) in served.items() if not invented} == {"german-credit"}


def test_a_returning_customer_is_known(seeded):
    assert seeded[3]["home-credit"].json()["features"]["found"]


def test_every_bank_has_its_model_and_a_second_start_trains_nothing(seeded, tmp_path):
    state, served, banks, _ = seeded
    assert banks == {first.bank: model for model, first in MODELS.items()}
    shutil.copytree(state, tmp_path / "state")

    with (
        serving(tmp_path / "state", tmp_path / "errors") as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        application = json.loads(load_event("predict-credit-card")["body"])
        answer = client.post("/predict", json={**application, "bank": "north-bank"})
        docs = client.get("/docs")
        time.sleep(10)
        again = champions(client)

    assert (answer.status_code, docs.status_code) == (200, 200)
    assert answer.json()["version"] == served["credit-card"][0]
    assert again == served
    assert "training" not in (tmp_path / "errors").read_text()
    assert "reading" not in (tmp_path / "errors").read_text()


@pytest.fixture(scope="module")
def client_tools():
    """The folder of openapi-python-client's environment, which `make test` installs."""
    environment = {**os.environ, "MAKEFLAGS": ""}
    subprocess.run(["make", ".venv-client/.installed"], cwd=ROOT, env=environment, check=True)
    return ROOT / ".venv-client" / "bin"


@pytest.mark.slow
def test_a_client_generated_without_warnings_scores_with_every_model(
    seeded, tmp_path, client_tools
):
    state, served, _, _ = seeded
    shutil.copytree(state, tmp_path / "state")
    environment = {**os.environ, "PATH": f"{client_tools}:{os.environ['PATH']}"}
    generate = [client_tools / "openapi-python-client", "generate", "--meta=none"]
    script = Path(__file__).with_name("generated_client.py")

    with serving(tmp_path / "state", tmp_path / "errors") as url:
        generated = subprocess.run(
            [
                *generate,
                "--fail-on-warning",
                f"--url={url}/openapi.json",
                f"--output-path={tmp_path / 'scoreline_client'}",
            ],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert generated.returncode == 0, generated.stdout + generated.stderr
        scored = subprocess.run(
            [client_tools / "python", script, url],
            env={**environment, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert "warning" not in (generated.stdout + generated.stderr).lower()
    assert scored.returncode == 0, scored.stderr
    answers = json.loads(scored.stdout)
    assert answers.keys() == served.keys() == MODELS.keys()
    for model, found in answers.items():
        name = model.title().replace("-", "")
        assert found["class"] == f"{name}Answer"
        assert found["batch"] == [f"{name}Answer"] * 2
        assert found["answer"]["version"] == served[model][0]
    assert answers["loan-risk"]["answer"]["prediction"] in (0, 1)


def test_real_data_is_taken_where_data_dir_has_it(data_dir, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "loan_risk_synthetic.csv").symlink_to(data_dir / "loan_risk_synthetic.csv")

    def loan_risk():
        return champions(client).get("loan-risk")

    with (
        serving(tmp_path / "state", tmp_path / "errors", DATA_DIR=str(folder)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        found = eventually(loan_risk, SEEDED_S)

    assert found, (tmp_path / "errors").read_text()
    assert found[1] is False
