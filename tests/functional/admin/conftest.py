import json

import pytest

from functions.admin.handler import lambda_handler
from scoreline.aws.ledger import Ledger
from scoreline.core.versions import digest
from scoreline.governance.entry import Entry
from tests import described
from tests.support import ACCOUNT, REGION

MODEL = "loan-risk"
A, B, C = (f"2026112{day}T004512Z-0000000{letter}" for day, letter in enumerate("abc"))


def onnx(version):
    """Stands for the model.onnx of a version."""
    return f"onnx of {version}".encode()


@pytest.fixture
def ledger(aws, settings):
    return Ledger.connect(settings, Entry)


@pytest.fixture
def publish(registry):
    def publish(*versions, model=MODEL, generated=(), failed=(), **more):
        for version in versions:
            manifest = {
                "model": model,
                "version": version,
                "trained_at": "2026-11-21T00:45:12+00:00",
                "algorithm": "xgboost",
                "metrics": {"auc": {"value": 0.79, "low": 0.75, "high": 0.83}},
                "dataset": {"path": "s3://data/loan-risk/", "generated": list(generated)},
                "status": "rejected" if failed else "candidate",
                "gates": [
                    {"gate": "parity", "passed": True, "sentence": "The graphs agree."},
                    {"gate": "champion", "passed": None, "sentence": "Nothing serves yet."},
                    *({"gate": gate, "passed": False, "sentence": "Not met."} for gate in failed),
                ],
                "files": {"model.onnx": {"sha256": digest(onnx(version)), "size": 9}},
                **more,
            }
            files = {"model.onnx": onnx(version), "report.html": b"<h1>Report</h1>"}
            registry.publish(
                model, version, {**files, "manifest.json": json.dumps(manifest).encode()}
            )

    return publish


@pytest.fixture
def predict_says(aws):
    """Queue what the predict function answers to its next invocations."""
    from moto.awslambda_simple.models import lambda_simple_backends

    queue = lambda_simple_backends[ACCOUNT][REGION].lambda_simple_results_queue
    queue.clear()
    return lambda *answers: queue.extend(json.dumps(answer) for answer in answers)


@pytest.fixture
def verified(predict_says):
    """Let predict verify these versions, in this order."""
    return lambda *versions: predict_says(
        *({"verified": True, "sha256": digest(onnx(version))} for version in versions)
    )


@pytest.fixture
def call(lambda_context):
    """Status and body of the real handler's answer."""

    def call(event):
        answer = lambda_handler(event, lambda_context)
        described.check(event, answer)
        return answer["statusCode"], json.loads(answer["body"])

    return call


@pytest.fixture
def promote(call, rest_event, verified):
    """Promote a version over HTTP."""

    def promote(version, *, model=MODEL, **body):
        verified(version)
        event = rest_event(
            "POST",
            "/models/{model}/promote",
            {"model": model},
            {"version": version, "reason": "passes every check", **body},
        )
        return call(event)

    return promote
