import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from local.environment import REGION, SETTINGS
from local.errors import StackError
from local.stack import Stack
from local.template import ROOT, TEMPLATE_PATH

pytestmark = pytest.mark.e2e

LOCAL = (sys.executable, "-m", "local", "--aws-port=0")
DEAD_LETTERS = f"{SETTINGS.train_queue}-dead-letter"


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """The real template with stand-in handlers."""
    text = TEMPLATE_PATH.read_text()
    for name, standin in {"predict": "predict", "admin": "http", "train": "train"}.items():
        handler = rf"functions\.{name}\.\w+\.lambda_handler"
        text, replaced = re.subn(handler, f"tests.standins.{standin}", text)
        assert replaced == 1
    path = tmp_path_factory.mktemp("template") / "template.yaml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """The folder in which the train stand-in keeps its events."""
    folder = tmp_path_factory.mktemp("seen")
    os.environ["STANDIN_DIR"] = str(folder)
    yield folder
    del os.environ["STANDIN_DIR"]


@pytest.fixture(scope="module")
def stack(template, seen, tmp_path_factory):
    with Stack(0, 0, tmp_path_factory.mktemp("state"), template) as stack:
        yield stack


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state"


def client(stack, service):
    return boto3.client(
        service,
        endpoint_url=stack.http_url if service == "lambda" else stack.aws_url,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


def eventually(check, timeout_s=20):
    deadline = time.monotonic() + timeout_s
    while True:
        value = check()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(0.1)


def put(stack, key, body=b"{}"):
    client(stack, "s3").put_object(Bucket=SETTINGS.bucket, Key=key, Body=body)


def write_everything(stack):
    """One of each: object, pointer, ledger entry, message that nobody takes."""
    put(stack, "models/m/v/model.onnx", b"\x00onnx")
    client(stack, "ssm").put_parameter(
        Name=SETTINGS.pointer_parameter("m"), Value="pointer", Type="String"
    )
    client(stack, "dynamodb").put_item(
        TableName=SETTINGS.ledger_table,
        Item={"model": {"S": "m"}, "entry": {"S": "1"}, "n": {"N": "1.5"}},
    )
    sqs = client(stack, "sqs")
    url = sqs.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="lost")


def read_everything(stack):
    found = client(stack, "s3").get_object(Bucket=SETTINGS.bucket, Key="models/m/v/model.onnx")
    name = SETTINGS.pointer_parameter("m")
    item = client(stack, "dynamodb").get_item(
        TableName=SETTINGS.ledger_table, Key={"model": {"S": "m"}, "entry": {"S": "1"}}
    )["Item"]
    sqs = client(stack, "sqs")
    url = sqs.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
    return (
        found["Body"].read(),
        client(stack, "ssm").get_parameter(Name=name)["Parameter"]["Value"],
        item["n"]["N"],
        [message["Body"] for message in sqs.receive_message(QueueUrl=url).get("Messages", [])],
    )


def is_empty(sqs, queue):
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    return {v for k, v in found.items() if k.startswith("ApproximateNumberOfMessages")} == {"0"}


def run_module(template, folder):
    """`python -m local` as a process, ready."""
    process = subprocess.Popen(
        [*LOCAL, "--http-port=0", f"--state-dir={folder}", f"--template={template}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    urls = {}
    for line in process.stdout:
        words = line.split()
        if words and words[0] in ("HTTP", "AWS"):
            urls[words[0]] = words[1]
        if "AWS_EC2_METADATA_DISABLED" in line:
            break
    port = {name: int(url.rpartition(":")[2]) for name, url in urls.items()}
    return process, Stack(port["HTTP"], port["AWS"], folder, template)


def children(pid):
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def descendants(pid):
    """Ids of the children and of theirs."""
    found = children(pid)
    return found + [deeper for child in found for deeper in descendants(child)]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_free(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


def test_a_dataset_manifest_arrives_at_the_train_handler_and_data_files_do_not(stack, seen):
    put(stack, "datasets/german-credit/2026/data.csv")
    put(stack, "other/_READY.json")
    put(stack, "datasets/german-credit/2026/_READY.json")

    def arrived():
        return [path for path in seen.glob("*.json") if "_READY" in path.read_text()]

    [path] = eventually(arrived)
    [record] = json.loads(path.read_text())["Records"]
    event = json.loads(record["body"])

    assert record["eventSourceARN"].endswith(SETTINGS.train_queue)
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert event["detail-type"] == "Object Created"
    assert event["detail"]["bucket"]["name"] == SETTINGS.bucket
    assert event["detail"]["object"]["key"] == "datasets/german-credit/2026/_READY.json"


def test_a_message_that_fails_three_times_reaches_the_dead_letter_queue(stack, seen):
    sqs = client(stack, "sqs")
    queue = sqs.get_queue_url(QueueName=SETTINGS.train_queue)["QueueUrl"]
    dead = sqs.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="fail always")

    [message] = eventually(lambda: sqs.receive_message(QueueUrl=dead).get("Messages"))

    assert message["Body"] == "fail always"
    assert sum("fail always" in path.read_text() for path in seen.glob("*.json")) == 3


def test_a_message_that_succeeds_leaves_the_queue(stack, seen):
    sqs = client(stack, "sqs")
    queue = sqs.get_queue_url(QueueName=SETTINGS.train_queue)["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="well done")

    assert eventually(lambda: any("well done" in p.read_text() for p in seen.glob("*.json")))
    assert eventually(lambda: is_empty(sqs, queue))


def test_boto3_invokes_a_function_by_name_and_by_arn(stack):
    lambda_client = client(stack, "lambda")
    name = SETTINGS.predict_function

    for target in (name, f"arn:aws:lambda:{REGION}:123456789012:function:{name}"):
        answer = lambda_client.invoke(FunctionName=target, Payload=b'{"a": 1}')

        assert "FunctionError" not in answer
        assert json.load(answer["Payload"]) == {"echo": {"a": 1}, "function": name}


def test_boto3_sees_the_error_of_a_handler_that_raises(stack):
    answer = client(stack, "lambda").invoke(
        FunctionName=SETTINGS.predict_function, Payload=b'{"fail": true}'
    )
    error = json.load(answer["Payload"])

    assert answer["FunctionError"] == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "asked to fail")


def test_boto3_gets_its_own_exception_for_an_unknown_function(stack):
    lambda_client = client(stack, "lambda")

    with pytest.raises(lambda_client.exceptions.ResourceNotFoundException):
        lambda_client.invoke(FunctionName="nobody")


def test_the_train_function_is_invoked_in_a_process_of_its_own(stack):
    name = SETTINGS.predict_function.replace("predict", "train")
    lambda_client = client(stack, "lambda")

    answers = [json.load(lambda_client.invoke(FunctionName=name)["Payload"]) for _ in range(2)]

    assert answers[0]["pid"] != answers[1]["pid"]
    assert 880_000 < answers[0]["remaining_ms"] <= 900_000


def test_an_event_invocation_answers_at_once_and_runs(stack, seen):
    name = SETTINGS.predict_function.replace("predict", "train")
    answer = client(stack, "lambda").invoke(
        FunctionName=name, InvocationType="Event", Payload=b'{"later": true}'
    )

    assert answer["StatusCode"] == 202
    assert eventually(lambda: any('"later"' in path.read_text() for path in seen.glob("*.json")))


def test_a_request_reaches_the_handler_as_a_proxy_event(stack):
    event = httpx.get(f"{stack.http_url}/models/m%20m/versions?x=1&x=2").json()

    assert event["resource"] == "/models/{model}/versions"
    assert event["pathParameters"] == {"model": "m m"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"]}
    assert event["requestContext"]["identity"]["userArn"].startswith("arn:aws:iam::")


def test_a_restart_keeps_everything_and_trains_nothing_again(template, seen, folder):
    with Stack(0, 0, folder, template) as first:
        write_everything(first)
        put(first, "datasets/restart/_READY.json")
        trained = eventually(lambda: [p for p in seen.iterdir() if "restart" in p.read_text()])
        sqs = client(first, "sqs")
        queue = sqs.get_queue_url(QueueName=SETTINGS.train_queue)["QueueUrl"]
        assert eventually(lambda: is_empty(sqs, queue))
    with Stack(0, 0, folder, template) as second:
        kept = read_everything(second)
        time.sleep(1)

    assert kept == (b"\x00onnx", "pointer", "1.5", ["lost"])
    assert [p for p in seen.iterdir() if "restart" in p.read_text()] == trained


@pytest.mark.parametrize("how", ["parent", "everybody"])
def test_kill_9_keeps_everything_and_leaves_no_process(template, seen, folder, how):
    process, running = run_module(template, folder)
    write_everything(running)
    name = SETTINGS.predict_function.replace("predict", "train")
    client(running, "lambda").invoke(
        FunctionName=name, InvocationType="Event", Payload=json.dumps({"hang": how})
    )
    assert eventually(lambda: any(f'"{how}"' in path.read_text() for path in seen.iterdir()))
    time.sleep(2)
    started = descendants(process.pid)
    assert len(started) == 4, "AWS, front, worker and the invocation of train"

    if how == "everybody":
        for child in children(process.pid):
            os.kill(child, signal.SIGKILL)
    process.kill()
    process.wait()
    process.stdout.close()

    assert eventually(lambda: not any(map(is_alive, started)))
    assert is_free(running.http_port)
    assert is_free(running.aws_port)
    with Stack(0, 0, folder, template) as again:
        assert read_everything(again) == (b"\x00onnx", "pointer", "1.5", ["lost"])


def test_kill_9_of_serve_ends_the_training_of_first_versions(folder, tmp_path):
    command = [Path(sys.executable).with_name("scoreline"), "serve", f"--state-dir={folder}"]
    with open(tmp_path / "errors", "w") as errors:
        process = subprocess.Popen(
            [*command, "--http-port=0", "--aws-port=0"],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    assert eventually(lambda: "uploading" in (tmp_path / "errors").read_text(), 60)
    started = descendants(process.pid)

    process.kill()
    process.wait()

    assert len(started) >= 4, "AWS, front, worker and the seeding"
    assert eventually(lambda: not any(map(is_alive, started)))


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_with_exit_code_0(template, seen, folder, word):
    process, running = run_module(template, folder)
    write_everything(running)

    process.send_signal(word)
    rest, _ = process.communicate(timeout=20)

    assert (process.returncode, rest.strip()) == (0, "")
    assert is_free(running.http_port)
    assert is_free(running.aws_port)
    assert "models/m/v/model.onnx" in (folder / "state.json").read_text()


def test_a_port_in_use_is_one_line_and_exit_code_1(folder):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run(
            [*LOCAL, f"--http-port={port}", f"--state-dir={folder}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"scoreline: port {port} is in use; choose another with --http-port or --aws-port"
    ]
    assert not (folder / "logs").exists()


def test_a_second_stack_on_the_same_state_is_refused(stack):
    with pytest.raises(StackError, match="another stack runs with"):
        Stack(0, 0, stack.state_dir, stack.template).start()


@pytest.mark.parametrize("damage", ["not json", '{"format": 0}', '{"format": 1}', "[]"])
def test_a_damaged_state_is_a_clear_error(template, folder, damage):
    folder.mkdir()
    (folder / "state.json").write_text(damage)
    stack = Stack(0, 0, folder, template)

    with pytest.raises(StackError, match=r"cannot read .*state\.json: .*make clean"):
        stack.start()

    assert is_free(stack.aws_port)
    assert (folder / "state.json").read_text() == damage


def test_a_missing_object_file_is_a_clear_error(template, folder):
    with Stack(0, 0, folder, template) as stack:
        write_everything(stack)
    shutil.rmtree(folder / "objects")

    with pytest.raises(StackError, match="make clean"):
        Stack(0, 0, folder, template).start()


def test_the_stack_stops_with_a_word_when_a_process_dies(template, folder):
    process, running = run_module(template, folder)
    worker = subprocess.run(
        ["pgrep", "-P", str(process.pid), "-f", "local.worker"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    os.kill(int(worker), signal.SIGKILL)

    rest, _ = process.communicate(timeout=20)

    assert process.returncode == 1
    assert "scoreline: worker ended with exit code -9" in rest
    assert is_free(running.http_port)


def test_the_front_imports_no_training_library():
    modules = "local.front, functions.predict.routes, functions.admin.handler"
    code = f"import {modules}, sys; print(*sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert not {"sklearn", "xgboost", "lightgbm", "pandas", "onnx", "training", "moto"} & {
        name.split(".")[0] for name in out.split()
    }


def test_the_bucket_keeps_a_version_once(stack):
    s3 = client(stack, "s3")
    s3.put_object(Bucket=SETTINGS.bucket, Key="models/once", Body=b"1", IfNoneMatch="*")

    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=SETTINGS.bucket, Key="models/once", Body=b"2", IfNoneMatch="*")
