import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from cli.failures import aws_sentence, exit_on_failure
from scoreline.core.errors import FieldError, InvalidRequestError

SCORELINE = Path(sys.executable).with_name("scoreline")
ENDPOINT = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
NO_URL = {"AWS_ENDPOINT_URL": "here"}
BAD_PORT = {"AWS_ENDPOINT_URL": "http://127.0.0.1:99999"}
REGION = {"AWS_DEFAULT_REGION": "eu-central-1"}
KEYS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "no-such-model"), "defined: credit-card, german-credit"),
        (("promote", "german-credit", "20260101T000000Z-00000000"), "no version"),
        (("rollback", "german-credit"), ""),
        (("predict", "german-credit", "-"), "not valid JSON"),
        (("train", "german-credit", "--dataset", "/nowhere"), "dataset_path"),
    ],
)
def test_what_goes_wrong_is_one_clear_error(scoreline, arguments, message):
    done = scoreline(*arguments, input="{")

    assert done.exit_code == 1
    assert message in str(done.exception)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "variables", "problem"),
    [
        (["models"], ENDPOINT, "no AWS region: set AWS_DEFAULT_REGION"),
        (["models"], ENDPOINT | REGION, "no AWS credentials: set AWS_PROFILE"),
        (["models"], ENDPOINT | REGION | KEYS, "the local stack does not answer at"),
        (["models"], NO_URL | REGION | KEYS, "AWS cannot be used: Invalid endpoint: here"),
        (["models"], BAD_PORT | REGION | KEYS, "AWS cannot be used: "),
        (["models", "--stage", "dev"], {}, "no AWS region: set AWS_DEFAULT_REGION"),
        (["models", "--stage", "dev"], ENDPOINT | REGION | KEYS, "stage dev: AWS cannot be used"),
        (["models", "--stage", "dev"], {"AWS_PROFILE": "nobody"}, "(nobody) could not be found"),
    ],
    ids=[
        "no-region",
        "no-credentials",
        "no-stack",
        "no-url",
        "bad-port",
        "no-environment",
        "no-endpoint",
        "no-profile",
    ],
)
def test_an_incomplete_aws_environment_is_one_sentence_at_once(
    tmp_path, arguments, variables, problem
):
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **variables}

    done = subprocess.run(
        [SCORELINE, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,  # a busy machine; the search for an instance's credentials takes longer alone
    )

    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("scoreline: ")
    assert problem in line


def test_a_command_line_that_is_not_valid_exits_with_2():
    done = subprocess.run([SCORELINE, "promote"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Missing argument" in done.stderr


def test_broken_fields_follow_the_message_line_by_line(capsys):
    broken = (FieldError("banks", "expected an object"), FieldError("reason", "expected a text"))

    with pytest.raises(SystemExit) as ended, exit_on_failure():
        raise InvalidRequestError("fields of the request break their rules", broken)

    assert ended.value.code == 1
    assert capsys.readouterr().err.splitlines() == [
        "scoreline: fields of the request break their rules",
        "  banks: expected an object",
        "  reason: expected a text",
    ]


def test_a_missing_package_is_named(capsys):
    with pytest.raises(SystemExit), exit_on_failure():
        raise ModuleNotFoundError("No module named 'xgboost'", name="xgboost")

    assert "the package xgboost is not installed" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_named(tmp_path, capsys):
    path = tmp_path / "nowhere" / "report.html"

    with pytest.raises(SystemExit), exit_on_failure():
        path.write_text("")

    assert capsys.readouterr().err == f"scoreline: {path}: No such file or directory\n"


def test_other_errors_keep_their_stack_trace():
    with pytest.raises(ZeroDivisionError), exit_on_failure():
        _ = 1 / 0


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "PutObject"),
            "AWS answered PutObject with AccessDenied: not you",
        ),
        (ClientError({}, "PutObject"), "AWS answered PutObject with an error"),
        (NoCredentialsError(), "no AWS credentials: set AWS_PROFILE"),
        (EndpointConnectionError(endpoint_url="http://x"), "AWS cannot be used: Could not connect"),
        (ValueError(), None),
    ],
    ids=["client", "nameless", "credentials", "endpoint", "ours"],
)
def test_an_error_of_aws_is_a_sentence(error, sentence):
    found = aws_sentence(error)

    assert found is sentence or found.startswith(sentence)
