import json
import subprocess
import sys

import pytest

from functions.train.handler import lambda_handler
from scoreline.core.errors import DatasetError, VersionExistsError
from tests.functional.train.conftest import VERSION

BUCKET = "s3://scoreline-test-123456789012"


def test_importing_train_loads_no_training_library():
    code = "import functions.train.handler, sys; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {module.split(".")[0] for module in out.stdout.split()}
    assert not {"numpy", "sklearn", "xgboost", "lightgbm", "pandas", "training"} & loaded


def test_a_direct_invocation_trains_publishes_and_answers(invoke, registry, training, load_event):
    answer = invoke(load_event("direct-train"))

    assert answer == {
        "score": 0.79,
        "model_name": "20261121T004501Z-3fa9c1d2",
        "status": "candidate",
    }
    assert training.asked == [("german-credit", f"{BUCKET}/datasets/german-credit/")]
    assert registry.versions("german-credit") == [answer["model_name"]]
    assert training.trained_by == ["direct invocation"]


def test_without_a_path_the_dataset_of_the_definition_is_used(invoke, training):
    invoke({"model": "german-credit"})

    assert training.asked == [("german-credit", f"{BUCKET}/datasets/its-own/")]


def test_without_a_model_the_default_one_is_trained(invoke, training):
    invoke({})

    assert [model for model, _ in training.asked] == ["loan-risk"]


def test_all_bad_fields_are_named_and_nothing_is_trained(invoke, training):
    answer = invoke({"model": 1, "dataset_path": "/etc/passwd", "force": True})

    assert answer["error"]["code"] == "invalid_request"
    assert [f["field"] for f in answer["error"]["fields"]] == ["model", "dataset_path", "force"]
    assert "passwd" not in str(answer)
    assert training.asked == []


def test_a_training_error_is_answered_with_its_reason(invoke, training, load_event):
    training.problems = [DatasetError("income: column is missing")]

    answer = invoke(load_event("direct-train"))

    assert answer["error"] == {
        "code": "invalid_dataset",
        "message": "income: column is missing",
        "fields": [],
    }


def test_an_unexpected_error_is_answered_and_logged_without_its_text(
    invoke, training, load_event, log
):
    training.problems = [ValueError("could not convert string to float: 'Ada Example'")]

    answer = invoke(load_event("direct-train"))

    [line] = [line for line in log() if line["level"] == "ERROR"]
    assert answer["error"]["code"] == "internal_error"
    assert line["error"] == "ValueError"
    assert "Ada" not in str(answer) + json.dumps(log())


def test_publishing_a_version_again_is_an_error_only_with_other_files(registry):
    publish = registry.publish
    publish("german-credit", VERSION, {"manifest.json": b"{}"})
    publish("german-credit", VERSION, {"manifest.json": b"{}"})

    with pytest.raises(VersionExistsError, match=r"manifest\.json exists already"):
        publish("german-credit", VERSION, {"manifest.json": b"[]"})


def test_a_model_without_a_definition_is_an_error_of_the_real_trainer(aws, lambda_context):
    answer = lambda_handler({"model": "no-such-model"}, lambda_context)

    assert answer["error"]["code"] == "invalid_definition"
