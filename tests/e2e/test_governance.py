"""From data in the bucket to a champion, with nobody at the keyboard."""

import json
import re

import boto3
import pytest

from local.environment import SETTINGS
from local.stack import Stack
from local.template import TEMPLATE_PATH
from scoreline.aws.registry import ModelRegistry
from tests import sample
from tests.e2e.test_stack import eventually
from tests.standins import AUTOMATIC
from training.data.ready_manifest import Ready, ReadyFile
from training.train import train

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.usefixtures("in_stack"),
    pytest.mark.xdist_group("governance"),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """All real, and the train function knows the model `sample`."""
    handler, standin = r"functions\.train\.\w+\.lambda_handler", "tests.standins.train_sample"
    text, replaced = re.subn(handler, standin, TEMPLATE_PATH.read_text())
    assert replaced == 1
    folder = tmp_path_factory.mktemp("stack")
    (folder / "template.yaml").write_text(text)
    with Stack(0, 0, folder / "state", folder / "template.yaml") as stack:
        yield stack


@pytest.fixture
def registry(in_stack):
    return ModelRegistry.connect(SETTINGS)


@pytest.fixture
def first(client, tmp_path):
    """The entry of the first champion, whose dataset somebody has put into the bucket."""
    if history(client):
        return history(client)[-1]
    path = tmp_path / "data.parquet"
    sample.applicants(600).to_parquet(path)
    ready = Ready.of([ReadyFile.of("data.parquet", path.read_bytes())])
    s3 = boto3.client("s3")
    for key, body in {
        "data.parquet": path.read_bytes(),
        "_READY.json": ready.model_dump_json().encode(),
    }.items():
        s3.put_object(Bucket=SETTINGS.bucket, Key=f"datasets/sample/first/{key}", Body=body)
    [entry] = eventually(lambda: history(client), timeout_s=90)
    return entry


def champion(client):
    serving = client.get("/config").raise_for_status().json()["models"].get("sample")
    return serving and serving["champion"] and serving["champion"]["version"]


def history(client):
    response = client.get("/models/sample/history")
    return response.json().get("history", [])


def test_data_in_the_bucket_becomes_the_champion_where_the_definition_says_so(client, first):
    assert (first["action"], first["who"]) == ("promote", "scoreline")
    assert first["reason"] == "automatic: all gates passed"
    answer = client.post("/models/sample/predict", json=sample.APPLICATION).json()
    assert champion(client) == answer["version"]
    assert first["to"] in {entry["to"] for entry in history(client)}


@pytest.fixture(scope="module")
def applications():
    """Invented applicants as clients send them."""
    drawn = sample.applicants(60, seed=5)[list(sample.APPLICATION)]
    rows = json.loads(drawn.to_json(orient="records"))
    return [{**row, "enquiries": row["enquiries"] and int(row["enquiries"])} for row in rows]


@pytest.fixture
def publish(registry, tmp_path):
    """Publish a version that promotes itself, as the train function would; returns its id.

    Its manifest says that it is better than the champion, whatever it is.
    """

    def publish(seed, calibration=""):
        sample.applicants(600, seed).to_parquet(tmp_path / "data.parquet")
        text = AUTOMATIC + sample.with_algorithm("logistic_regression", calibration)
        made = train(sample.definition(tmp_path, text), str(tmp_path / "data.parquet"))
        manifest = json.loads(made.files["manifest.json"])
        serving = registry.pointer("sample").champion.version
        del manifest["anchor"]
        manifest["comparison"] = {"champion": serving, "difference": {"low": 0.01}}
        files = {**made.files, "manifest.json": json.dumps(manifest).encode()}
        registry.publish("sample", made.version, files)
        return made.version

    return publish


@pytest.fixture
def score(client, applications):
    """Score many applications with a version once it serves."""

    def score(version):
        def answered():
            body = {"applications": applications}
            answer = client.post("/models/sample/predict/batch", json=body).raise_for_status()
            return answer.json()["version"] == version

        return eventually(answered)

    return score


def latest(client, action, to):
    """The latest entry of the ledger, once it is of this action and this version."""

    def found():
        [entry, *_] = history(client)
        return (entry["action"], entry["to"]) == (action, to) and entry

    return eventually(found, timeout_s=60)


def test_a_good_champion_stays_and_the_ledger_says_what_was_seen(client, first, publish, score):
    version = publish(seed=2)
    assert latest(client, "promote", version)

    assert score(version)
    watch = client.get("/models/sample/watch").json()["watch"]
    entry = latest(client, "confirm", version)

    assert (watch["state"], watch["version"]) == ("open", version)
    assert entry["who"] == "scoreline"
    figures = "60 decisions, error rate 0.0%, score drift 0."
    assert entry["reason"].startswith(f"watched for 0.3 minutes: {figures}")
    assert champion(client) == version
    assert client.get("/config").json()["models"]["sample"]["watch"] is None


def test_a_champion_that_drifts_is_rolled_back_by_itself(client, first, publish, score):
    before = champion(client)
    version = publish(seed=3, calibration="\n[calibration]\ndefault_rate = 0.05")
    assert latest(client, "promote", version)

    assert score(version)
    entry = latest(client, "rollback", before)

    assert (entry["from"], entry["who"]) == (version, "scoreline")
    assert re.match(r"watch: score drift [\d.]+ is over 0.25; 60 decisions, ", entry["reason"])
    assert champion(client) == before
    assert score(before)
    assert client.get("/models/sample/watch").json()["watch"]["state"] == "rolled back"
