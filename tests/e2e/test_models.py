"""From raw data to an HTTP answer: train, promote without a restart, score, for each model."""

import json
import time

import boto3
import pytest

from local.environment import SETTINGS
from local.stack import Stack
from tests.support import load_event
from training.generators.registry import generate, write

pytestmark = pytest.mark.e2e

REAL = {"credit-card": "credit_card_applications.parquet", "loan-risk": "loan_risk_synthetic.csv"}
EVENTS = {"credit-card": "predict-credit-card", "loan-risk": "predict-loan-risk"}
APPROVER = {"Authorization": "AWS4-HMAC-SHA256 Credential=approver/20261121/us-east-1/..."}
CASES = [(model, kind) for model in REAL for kind in ("invented", "real")]


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(http_port=0, aws_port=0, state_dir=tmp_path_factory.mktemp("state")) as stack:
        yield stack


@pytest.fixture
def upload(in_stack):
    """Put a dataset file into the deployment's bucket; returns its path."""

    def put(model, file):
        key = f"datasets/{model}/{file.stem}/{file.name}"
        boto3.client("s3").put_object(Bucket=SETTINGS.bucket, Key=key, Body=file.read_bytes())
        return key

    return put


@pytest.fixture
def raw_data(tmp_path, request):
    """A model's file: real where DATA_DIR has it, or invented."""

    def find(model, kind):
        if kind == "real":
            return request.getfixturevalue("data_dir") / REAL[model]
        path = tmp_path / f"{model}.parquet"
        write(path, generate(model, 1_000, 1))
        return path

    return find


def poll(client, path, done, timeout_s=120):
    """The answer of a route once it is `done`."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = client.get(path).raise_for_status().json()
        if done(answer) or time.monotonic() > deadline:
            return answer
        time.sleep(0.5)


def train(client, model, dataset_path):
    body = {"model": model, "dataset_path": dataset_path}
    queued = client.post("/train", json=body)
    assert queued.status_code == 202
    path = f"/train/{queued.json()['job']}"
    return poll(client, path, lambda job: job["state"] in ("succeeded", "failed"))


def predict(client, event):
    request = load_event(event)
    response = client.post(request["path"], json=json.loads(request["body"]))
    assert response.status_code == 200
    return response.json()


@pytest.mark.parametrize(("model", "kind"), CASES)
def test_the_life_cycle_of_a_model(client, upload, raw_data, model, kind):
    path = upload(model, raw_data(model, kind))
    unknown = client.post("/train", json={"model": model, "dataset_path": "/etc/passwd"})
    assert unknown.status_code == 422

    job = train(client, model, path)
    assert job["state"] == "succeeded", job
    assert job["score"] > (0.5 if model == "credit-card" else 0.75)

    update = {"model": model, "model_name": job["model_name"]}
    assert client.post("/update_model", json=update).status_code == 403, "who trained it"
    update |= {"override": True, "reason": "real data after invented ones"}
    moved = client.post("/update_model", json=update, headers=APPROVER)
    assert (moved.status_code, moved.json()["current_model"]) == (200, job["model_name"])

    deadline = time.monotonic() + 20  # the pointer of a second promotion is trusted for a while
    while (answer := predict(client, EVENTS[model]))["version"] != job["model_name"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert answer["model"] == model
    assert answer["risk_score"] == pytest.approx(100 * answer["probability_of_default"], abs=0.01)
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert answer["processing_time_ms"] > 0

    serving = client.get("/config").json()["models"][model]
    assert serving["champion"]["version"] == job["model_name"]
    assert serving["differs_from_ledger"] is False
    assert serving["dataset"] == {
        "path": f"s3://{SETTINGS.bucket}/{path}",
        "generated": kind == "invented",
    }


@pytest.fixture
def loan_risk(client, upload, raw_data):
    """A champion of loan-risk serves."""
    if "loan-risk" not in client.get("/config").json()["models"]:
        job = train(client, "loan-risk", upload("loan-risk", raw_data("loan-risk", "invented")))
        update = {"model": "loan-risk", "model_name": job["model_name"]}
        client.post("/update_model", json=update, headers=APPROVER)


@pytest.mark.usefixtures("loan_risk")
def test_loan_risk_answers_a_batch(client):
    batch = predict(client, "predict-loan-risk-batch")
    risky, refused, safe = batch["results"]

    assert (risky["risk_level"], safe["risk_level"]) == ("high", "low")
    assert (risky["decision"], safe["decision"]) == ("decline", "approve")
    assert risky["risk_score"] > safe["risk_score"]
    assert [field["field"] for field in refused["error"]["fields"]] == ["loan_amount"]
    assert batch["processing_time_ms"] > 0


@pytest.mark.usefixtures("loan_risk")
def test_health_is_ok_once_the_default_model_serves(client):
    routing = json.dumps({"default": "loan-risk", "banks": {}})
    boto3.client("ssm").put_parameter(
        Name=SETTINGS.routing_parameter, Value=routing, Type="String", Overwrite=True
    )

    deadline = time.monotonic() + 20
    while (health := client.get("/health")).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    application = json.loads(load_event(EVENTS["loan-risk"])["body"])

    assert health.json()["status"] == "ok"
    assert "loan-risk" in [model["model"] for model in client.get("/status").json()["models"]]
    assert client.post("/predict", json=application).json()["model"] == "loan-risk"
