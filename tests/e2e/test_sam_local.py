"""Built functions in containers answer every event as the handlers in process do."""

import json
import re
import shutil
import subprocess

import boto3
import httpx
import pytest

from cli.deployment import Deployment
from cli.seed_data import DEMO_MODEL
from cli.seeding import seed
from local.environment import REGION, STAGE, read_template
from local.stack import Stack
from local.template import ROOT
from scoreline.core.versions import Routing
from tests import sample
from tests.e2e.sam import SamLocal, docker
from tests.support import EVENTS, load_event

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.xdist_group("sam"),  # one build, one pair of stacks
    pytest.mark.skipif(docker("info") is None, reason="Docker does not answer"),
]

TEMPLATE = read_template()
ROUTED = {(route.method, route.path): route.function for route in TEMPLATE.routes}
NAMES = sorted(path.stem for path in EVENTS.glob("*.json"))
HTTP = [name for name in NAMES if "httpMethod" in load_event(name)]
# What differs from one invocation to the next: durations, job ids, sizes, times, versions, and what
# an environment has loaded so far, which /status lists.
VOLATILE = re.compile(
    r'(?<="processing_time_ms": )[\d.]+|(?<="training_seconds": )[\d.]+|(?<="job": )"[0-9a-f-]+"'
    r'|(?<="models": )\[[^]]*\](?=, "problem")'
    r'|(?<="size": )\d+|"\d{4}-\d\d-\d\dT[^"]+"|\d{8}T\d{6}Z-[0-9a-f]{8}'
)


def function_of(event):
    """The function that gets an event: by its route, its queue, or what it asks for."""
    if "httpMethod" in event:
        return ROUTED[event["httpMethod"], event["resource"]]
    if "detail-type" in event:
        return TEMPLATE.functions["AdminFunction"]
    is_training = "Records" in event or "dataset_path" in event
    return TEMPLATE.functions["TrainFunction" if is_training else "PredictFunction"]


def settled(answer):
    """An answer without what differs each time."""
    if isinstance(answer, dict) and isinstance(answer.get("body"), str):
        answer = {**answer, "body": json.loads(answer["body"])} if _is_json(answer) else answer
    return VOLATILE.sub("*", json.dumps(answer, sort_keys=True))


def _content(response):
    is_json = "json" in response.headers.get("Content-Type", "")
    return response.json() if is_json else response.text


def _is_json(answer):
    kinds = {**answer.get("headers", {}), **answer.get("multiValueHeaders", {})}
    return "json" in str(kinds.get("Content-Type"))


@pytest.fixture(scope="module", autouse=True)
def built():
    done = subprocess.run(["make", "sam-all"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def stacks(tmp_path_factory):
    """Two stacks with the same past: what one set of functions changes, the other does not see."""
    folder = tmp_path_factory.mktemp("stacks")
    with Stack(0, 0, folder / "first") as stack, pytest.MonkeyPatch.context() as patch:
        for name, value in stack.environment.items():
            patch.setenv(name, value)
        deployment = Deployment.connect(STAGE)
        seed(deployment, DEMO_MODEL, lambda _step: None)
        sample.publish(deployment.registry, sample.bundle("xgboost"))
        deployment.registry.write_routing(Routing("sample", {"north-bank": "sample"}))
    shutil.copytree(folder / "first", folder / "second")
    with (
        Stack(0, 0, folder / "first", host="0.0.0.0") as first,
        Stack(0, 0, folder / "second") as second,
    ):
        yield first, second


@pytest.fixture(scope="module")
def containers(stacks, tmp_path_factory):
    return SamLocal(stacks[0], tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="module")
def in_process(stacks):
    client = boto3.client(
        "lambda",
        endpoint_url=stacks[1].http_url,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )

    def invoke(function, event):
        answer = client.invoke(FunctionName=function.name, Payload=json.dumps(event))
        return json.load(answer["Payload"])

    return invoke


@pytest.mark.parametrize("name", NAMES)
def test_a_container_answers_an_event_as_the_handler_does(name, containers, in_process):
    event = load_event(name)
    function = function_of(event)

    expected = in_process(function, event)

    assert settled(containers.invoke(function.logical_id, event)) == settled(expected)


def test_the_api_in_containers_answers_as_the_local_front_does(containers, stacks):
    with (
        containers.start_api() as api,
        httpx.Client(base_url=stacks[1].http_url, timeout=60) as front,
    ):
        for name in HTTP:
            event = load_event(name)
            request = {
                "method": event["httpMethod"],
                "url": event["path"],
                "headers": {"Content-Type": "application/json"},
                "content": event["body"] or b"",
            }
            got, expected = api.request(**request), front.request(**request)

            assert got.status_code == expected.status_code, name
            assert settled(_content(got)) == settled(_content(expected)), name
