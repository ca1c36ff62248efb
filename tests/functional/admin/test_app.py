import subprocess
import sys

import boto3
import pytest

from functions.admin.handler import lambda_handler
from scoreline.core.versions import Pointer, VersionRef, digest
from tests.functional.admin.conftest import MODEL, A, B, onnx

ADA = "arn:aws:iam::123456789012:user/ada.example"


def test_importing_admin_loads_no_numerical_or_training_library():
    code = "import functions.admin.handler, sys; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {module.split(".")[0] for module in out.stdout.split()}
    heavy = {"numpy", "pandas", "pyarrow", "sklearn", "onnx", "onnxruntime", "pydantic", "training"}
    assert not heavy & loaded


def test_config_of_a_new_deployment(aws, call, load_event, settings):
    assert call(load_event("config")) == (
        200,
        {
            "stage": "test",
            "bucket": settings.bucket,
            "default_model": MODEL,
            "current_model": None,
            "model_dir": None,
            "dataset_path": None,
            "banks": {"north": "credit-card"},
            "models": {},
        },
    )


def test_config_without_routing_names_no_default_model(aws, call, load_event, settings):
    boto3.client("ssm").delete_parameter(Name=settings.routing_parameter)

    status, body = call(load_event("config"))

    assert (status, body["default_model"], body["banks"]) == (200, None, {})


def test_config_shows_champion_challenger_and_dataset(
    registry, publish, promote, call, load_event, settings
):
    publish(A)
    promote(A)
    challenger = {"version": B, "sha256": "0" * 64, "mode": "shadow", "share": 1.0}
    registry.write_pointer(MODEL, Pointer(registry.pointer(MODEL).champion, challenger))

    _, body = call(load_event("config"))

    assert body["models"][MODEL] == {
        "champion": {"version": A, "sha256": digest(onnx(A))},
        "challenger": challenger,
        "watch": None,
        "ledger_champion": A,
        "differs_from_ledger": False,
        "dataset": {"path": "s3://data/loan-risk/", "generated": False},
    }
    assert (body["default_model"], body["current_model"]) == (MODEL, A)
    assert body["model_dir"] == f"s3://{settings.bucket}/models/{MODEL}/{A}/"
    assert body["dataset_path"] == "s3://data/loan-risk/"


def test_config_says_that_the_champions_data_is_invented(publish, promote, call, load_event):
    publish(A, generated=[{"model": MODEL, "seed": 1, "rows": 1000}])
    promote(A)

    _, body = call(load_event("config"))

    assert body["models"][MODEL]["dataset"]["generated"] is True


def test_config_shows_that_a_pointer_was_changed_by_hand(
    registry, publish, promote, call, load_event
):
    publish(A, B)
    promote(A)
    registry.write_pointer(MODEL, Pointer(VersionRef(B, digest(onnx(B)))))

    _, body = call(load_event("config"))

    serving = body["models"][MODEL]
    assert serving["champion"]["version"] == B
    assert serving["ledger_champion"] == A
    assert serving["differs_from_ledger"] is True


def test_config_shows_no_champion_for_an_unreadable_pointer(
    publish, promote, call, load_event, settings
):
    publish(A)
    promote(A)
    boto3.client("ssm").put_parameter(
        Name=settings.pointer_parameter(MODEL), Value="latest please", Overwrite=True
    )

    status, body = call(load_event("config"))

    assert status == 200
    assert body["models"][MODEL]["champion"] is None
    assert body["models"][MODEL]["differs_from_ledger"] is True


def test_models_lists_published_and_served_ones(registry, publish, promote, call, load_event):
    publish(A, B)
    publish(A, model="credit-card")
    promote(A)

    assert call(load_event("models")) == (
        200,
        {
            "models": [
                {"model": "credit-card", "champion": None, "latest_version": A, "versions": 1},
                {"model": MODEL, "champion": A, "latest_version": B, "versions": 2},
            ]
        },
    )


def test_versions_come_newest_first_with_their_metrics(publish, promote, call, load_event):
    publish(A, B)
    promote(A)

    status, body = call(load_event("versions"))

    assert (status, body["model"]) == (200, MODEL)
    assert [(v["version"], v["champion"]) for v in body["versions"]] == [(B, False), (A, True)]
    assert body["versions"][0] == {
        "version": B,
        "trained_at": "2026-11-21T00:45:12+00:00",
        "algorithm": "xgboost",
        "metrics": {"auc": {"value": 0.79, "low": 0.75, "high": 0.83}},
        "status": "candidate",
        "champion": False,
    }


def test_versions_lists_one_with_a_broken_manifest_and_no_stray_object(
    aws, publish, call, load_event, settings
):
    publish(B)
    s3 = boto3.client("s3")
    for name in (f"{A}/manifest.json", "notes/manifest.json", f"{A}/old/manifest.json"):
        s3.put_object(Bucket=settings.bucket, Key=f"models/{MODEL}/{name}", Body=b"{")

    status, body = call(load_event("versions"))

    assert status == 200
    assert [v["version"] for v in body["versions"]] == [B, A]
    assert body["versions"][1]["metrics"] is None


@pytest.mark.parametrize("name", ["versions", "history"])
def test_a_model_without_versions_is_404(aws, call, load_event, name):
    status, body = call(load_event(name))

    assert (status, body["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("model", ["../loan-risk", "Loan", "a/b", "-", "x" * 65])
def test_a_name_that_no_model_can_have_is_404(aws, call, rest_event, model):
    event = rest_event("GET", "/models/{model}/versions", {"model": model})

    status, body = call(event)

    assert (status, body["error"]["code"]) == (404, "model_not_found")


def test_the_report_is_the_html_of_the_bundle(publish, load_event, lambda_context):
    publish("20261121T004512Z-3fa9c1d2")

    answer = lambda_handler(load_event("report"), lambda_context)

    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert answer["body"] == "<h1>Report</h1>"


def test_the_report_of_an_unknown_version_is_404(aws, call, load_event):
    status, body = call(load_event("report"))

    assert (status, body["error"]["code"]) == (404, "version_not_found")


def test_history_tells_who_promoted_what_when_and_why(publish, promote, call, load_event):
    publish(A, B)
    promote(A)
    promote(B, reason="approved by the credit committee")

    status, body = call(load_event("history"))

    latest, first = body["history"]
    assert status == 200
    assert latest.pop("at").startswith("20")
    assert latest == {
        "sequence": 2,
        "action": "promote",
        "from": A,
        "to": B,
        "who": ADA,
        "reason": "approved by the credit committee",
        "override": [],
        "anchor": {"version": A, "auc": 0.79},
    }
    assert (first["from"], first["to"]) == (None, A)


def test_history_of_a_model_that_is_only_published_is_empty(publish, call, load_event):
    publish(A)

    assert call(load_event("history")) == (200, {"model": MODEL, "history": []})


def test_an_unknown_route_is_404(aws, call, rest_event):
    status, body = call(rest_event("DELETE", "/models"))

    assert (status, body["error"]["code"]) == (404, "route_not_found")


def test_unreachable_aws_is_503(call, load_event, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    status, body = call(load_event("config"))

    assert (status, body["error"]["code"]) == (503, "registry_unavailable")
