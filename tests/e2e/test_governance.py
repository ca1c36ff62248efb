"""From data in the bucket to a champion, with nobody at the keyboard."""

import re

import boto3
import httpx
import pytest

from functions.shared.registry import ModelRegistry
from local.environment import SETTINGS, aws_variables
from local.stack import Stack
from local.template import TEMPLATE_PATH
from tests import sample
from tests.e2e.test_stack import eventually
from training.ready import Ready, ReadyFile

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """All real, and the train function knows the model `sample`."""
    handler, standin = r"functions\.train\.app\.lambda_handler", "tests.standins.train_sample"
    text, replaced = re.subn(handler, standin, TEMPLATE_PATH.read_text())
    assert replaced == 1
    folder = tmp_path_factory.mktemp("stack")
    (folder / "template.yaml").write_text(text)
    with Stack(0, 0, folder / "state", folder / "template.yaml") as stack:
        yield stack


@pytest.fixture(autouse=True)
def here(stack, monkeypatch):
    """boto3 talks to the stack."""
    for name, value in aws_variables(aws_url=stack.aws_url, http_url=stack.http_url).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def client(stack):
    with httpx.Client(base_url=stack.http_url, timeout=30) as client:
        yield client


@pytest.fixture
def registry(here):
    return ModelRegistry.connect(SETTINGS)


@pytest.fixture
def drop(tmp_path):
    """Put a dataset and its manifest into the bucket."""

    def drop(rows, name):
        path = tmp_path / "data.parquet"
        rows.to_parquet(path)
        ready = Ready.of([ReadyFile.of("data.parquet", path.read_bytes())])
        s3 = boto3.client("s3")
        for key, body in {
            "data.parquet": path.read_bytes(),
            "_READY.json": ready.model_dump_json().encode(),
        }.items():
            s3.put_object(Bucket=SETTINGS.bucket, Key=f"datasets/sample/{name}/{key}", Body=body)

    return drop


def champion(client):
    serving = client.get("/config").raise_for_status().json()["models"].get("sample")
    return serving and serving["champion"] and serving["champion"]["version"]


def history(client):
    response = client.get("/models/sample/history")
    return response.json().get("history", [])


def test_data_in_the_bucket_becomes_the_champion_where_the_definition_says_so(client, drop):
    drop(sample.applicants(600), "first")

    [entry] = eventually(lambda: history(client), timeout_s=90)

    assert (entry["action"], entry["who"]) == ("promote", "scoreline")
    assert entry["reason"] == "automatic: all gates passed"
    assert champion(client) == entry["to"]
    answer = client.post("/models/sample/predict", json=sample.APPLICATION).json()
    assert answer["version"] == entry["to"]
