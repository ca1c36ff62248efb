"""A version is logged to a real MLflow server, which has an environment of its own."""

import json
import os
import subprocess
import sys
import time

import httpx
import pytest

from cli.mlflow_log import log_version
from local.emulator import free_port
from local.template import ROOT
from scoreline.core.errors import MlflowError
from scoreline.core.versions import MANIFEST_FILE
from tests import sample

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.xdist_group("mlflow"),
    pytest.mark.filterwarnings("ignore"),  # MLflow's own
]

MODEL = "sample"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    subprocess.run(
        ["make", ".venv-mlflow/.installed"],
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": ""},
        check=True,
    )
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    command = [
        *(str(ROOT / ".venv-mlflow/bin/python"), "-m", "mlflow", "server", "--workers", "1"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
    environment = {name: value for name, value in os.environ.items() if "AWS" not in name}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            yield answering(f"http://127.0.0.1:{port}", folder / "log")
        finally:
            process.terminate()
            process.wait(30)


def answering(url, log, timeout_s=120):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/health").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.5)
        else:
            return url
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def bundle():
    return sample.bundle("logistic_regression")


def ask(server, route, **query):
    answer = httpx.get(f"{server}/api/2.0/mlflow/{route}", params=query)
    return answer.raise_for_status().json()


def test_a_version_is_a_run_and_a_version_of_the_registered_model(server, bundle, capsys):
    log_version(server, MODEL, bundle)
    log_version(server, MODEL, bundle)  # a second version of the same model

    [*_, registered] = sorted(
        ask(server, "model-versions/search", filter=f"name='{MODEL}'")["model_versions"],
        key=lambda version: int(version["version"]),
    )
    run = ask(server, "runs/get", run_id=registered["run_id"])["run"]
    manifest = json.loads(bundle.files[MANIFEST_FILE])
    figures = {metric["key"]: metric["value"] for metric in run["data"]["metrics"]}
    parameters = {param["key"]: param["value"] for param in run["data"]["params"]}
    tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
    assert capsys.readouterr().out == ""  # it belongs to the result, such as that of --json
    assert registered["version"] == "2"
    assert run["info"]["status"] == "FINISHED"
    for name, key in {"auc": "value", "auc_low": "low", "auc_high": "high"}.items():
        assert figures[name] == pytest.approx(manifest["metrics"]["auc"][key])
    assert parameters["algorithm"] == "logistic_regression"
    assert parameters["dataset_fingerprint"] == manifest["dataset"]["fingerprint"]
    assert tags["scoreline.version"] == bundle.version


def test_the_files_are_those_of_the_version_but_for_hashes_of_people(server, bundle):
    log_version(server, "files", bundle)

    [registered] = ask(server, "model-versions/search", filter="name='files'")["model_versions"]
    listed = ask(server, "artifacts/list", run_id=registered["run_id"], path="bundle")["files"]
    names = {file["path"].removeprefix("bundle/") for file in listed}
    assert names == bundle.files.keys() - {"training_rows.bin"}
    for name in names:
        query = {"path": f"bundle/{name}", "run_uuid": registered["run_id"]}
        assert httpx.get(f"{server}/get-artifact", params=query).content == bundle.files[name]


def test_the_experiment_can_be_named(server, bundle, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "credit")

    log_version(server, MODEL, bundle)

    assert ask(server, "experiments/get-by-name", experiment_name="credit")["experiment"]


def test_a_server_that_does_not_answer_is_named(bundle):
    started = time.monotonic()

    with pytest.raises(MlflowError, match="is published but not logged to MLflow"):
        log_version(f"http://127.0.0.1:{free_port()}", MODEL, bundle)

    assert time.monotonic() - started < 30


def test_without_mlflow_the_sentence_says_what_to_install(bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)

    with pytest.raises(MlflowError, match=r"install scoreline\[mlflow\]"):
        log_version("http://127.0.0.1:1", MODEL, bundle)
