"""What the shell gets when a user presses Tab, by the protocol of the installed command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.completion import complete_pipeline, local_versions
from local.environment import SETTINGS
from scoreline.definition.files import defined_models

pytestmark = pytest.mark.slow

SCORELINE = Path(sys.executable).with_name("scoreline")
VERSIONS = ["20261121T004512Z-0000000a", "20261120T004512Z-3fa9c1d2"]


def complete(*words, **variables):
    """The candidates for the last word, as bash asks for them."""
    environment = {
        "PATH": os.environ["PATH"],
        "_SCORELINE_COMPLETE": "complete_bash",
        "COMP_WORDS": "scoreline " + " ".join(words),
        "COMP_CWORD": str(len(words)),
        **variables,
    }
    done = subprocess.run([SCORELINE], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.fixture
def stack_endpoint(endpoint):
    """The AWS of a local stack with two versions and a broken one."""
    import boto3

    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=SETTINGS.bucket)
    for version in VERSIONS:
        for name in ("model.onnx", "manifest.json"):
            s3.put_object(Bucket=SETTINGS.bucket, Key=f"models/sample/{version}/{name}", Body=b"")
    s3.put_object(Bucket=SETTINGS.bucket, Key="models/sample/unfinished/model.onnx", Body=b"")
    return endpoint


def test_commands_are_completed():
    assert complete("rep") == ["report", "reproduce"]


@pytest.mark.parametrize("command", ["train", "promote", "report", "batch"])
def test_models_are_completed_from_their_definitions(command):
    assert complete(command, "ger") == ["german-credit"]


def test_every_defined_model_is_a_candidate():
    assert complete("train", "") == defined_models()


def test_pipelines_are_completed():
    assert complete("features", "build", "") == complete_pipeline("") == ["home-credit"]


def test_versions_are_completed_from_the_local_stack(stack_endpoint):
    found = complete("promote", "sample", "", AWS_ENDPOINT_URL=stack_endpoint)

    assert found == VERSIONS
    assert complete("report", "sample", "20261120", AWS_ENDPOINT_URL=stack_endpoint) == VERSIONS[1:]


def test_versions_of_a_stage_in_aws_are_not_looked_up(stack_endpoint):
    words = ("promote", "--stage", "dev", "sample", "")

    assert complete(*words, AWS_ENDPOINT_URL=stack_endpoint) == []


def test_a_stack_that_does_not_run_has_no_candidates(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    assert local_versions("sample") == []


def test_the_completion_installs_itself(tmp_path):
    done = subprocess.run(
        ["bash", "-c", f"{SCORELINE} --install-completion; exit $?"],  # it looks for its shell
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    script = (tmp_path / ".bash_completions" / "scoreline.sh").read_text()
    assert "_SCORELINE_COMPLETE=complete_bash" in script
    assert "scoreline.sh" in (tmp_path / ".bashrc").read_text()


@pytest.mark.parametrize("url", ["here", "http://127.0.0.1:99999", "http://127.0.0.1:9", "file://"])
@pytest.mark.parametrize("model", ["sample", "two words", "größe"])
def test_an_address_that_cannot_be_asked_has_no_versions(monkeypatch, url, model):
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)

    assert local_versions(model) == []
