"""Every command of the README runs, and every answer in it is the one that comes out."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import boto3
import httpx
import pytest

from cli.deployment import Deployment
from local.environment import ACCOUNT, REGION, STAGE, read_template, without_aws
from local.stack import Stack
from local.template import ROOT
from scoreline.core.settings import Settings
from scoreline.definition.files import read_definition

pytestmark = pytest.mark.e2e

# boto3 and what it imports, certifi only where it finds it; the hooks of SnapStart.
IN_RUNTIME = {"boto3", "botocore", "certifi", "dateutil", "s3transfer", "six", "urllib3"}
IN_RUNTIME |= {"snapshot_restore_py"}
SITE_PACKAGES = sysconfig.get_path("purelib")
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
# Run by tests of their own below, or by CI itself.
MAKE = {"demo", "serve", "build", "lint", "test-fast"}


def commands():
    """(command, the answer that the README shows for it or None), in their order."""
    for number, (kind, text) in enumerate(BLOCKS):
        if kind == "sh" and not text.startswith("make "):
            following = BLOCKS[number + 1] if number + 1 < len(BLOCKS) else ("", "")
            yield text, json.loads(following[1]) if following[0] == "json" else None


def assert_like(found, shown):
    """Equal, but for version ids, times and the last digits of what another processor computes."""
    if isinstance(shown, dict):
        assert set(found) == set(shown)
        for key in shown:
            if key == "version":
                assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", found[key])
            elif key == "processing_time_ms":
                assert found[key] > 0
            else:
                assert_like(found[key], shown[key])
    elif isinstance(shown, list):
        assert len(found) == len(shown)
        for left, right in zip(found, shown, strict=True):
            assert_like(left, right)
    elif isinstance(shown, float):
        assert found == pytest.approx(shown, rel=1e-3)
    else:
        assert found == shown


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(http_port=0, aws_port=0, state_dir=tmp_path_factory.mktemp("state")) as stack:
        variables = {**without_aws(os.environ), **stack.environment}
        subprocess.run(
            [sys.executable, "-c", "from tests.e2e.test_readme import seed_here; seed_here()"],
            env=variables,
            cwd=ROOT,
            check=True,
        )
        yield stack


def seed_here():
    """Train and promote the demo model in the stack that the environment names."""
    from cli.seeding import DEMO_MODEL, seed

    seed(Deployment.connect(STAGE), DEMO_MODEL, print)


def test_every_command_and_its_answer(stack):
    environment = {**without_aws(os.environ), **stack.environment, "COLUMNS": "120"}
    done = 0
    for command, shown in commands():
        here = command.replace("http://127.0.0.1:3000", stack.http_url)
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", here],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, (command, run.stdout, run.stderr)
        if shown is not None:
            assert_like(json.loads(run.stdout.splitlines()[-1]), shown)
        done += 1
    assert done >= 7
    assert_trained(stack)


def assert_trained(stack):
    """The README's POST /train and upload have gone all the way: queue, training, a version."""
    table = Settings.for_account(STAGE, ACCOUNT).jobs_table
    dynamodb = boto3.client(
        "dynamodb",
        endpoint_url=stack.aws_url,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    deadline = time.monotonic() + 120
    while len(jobs := job_ids(dynamodb, table)) < 2 and time.monotonic() < deadline:
        time.sleep(0.5)
    with httpx.Client(base_url=stack.http_url, timeout=30) as client:
        ended = [ended_job(client, job) for job in jobs]
        assert len(ended) == 2
        versions = client.get("/models/german-credit/versions").json()["versions"]

    for job in ended:
        assert job["state"] == "succeeded", job
        assert job["score"] == pytest.approx(0.81, abs=0.02)
        [version] = [v for v in versions if v["version"] == job["model_name"]]
        assert version["metrics"]["auc"]["value"] == pytest.approx(job["score"], abs=1e-6)


def job_ids(dynamodb, table):
    return [i["job"]["S"] for i in dynamodb.scan(TableName=table)["Items"] if "state" in i]


def ended_job(client, job, timeout_s=120):
    deadline = time.monotonic() + timeout_s
    while True:
        item = client.get(f"/train/{job}").raise_for_status().json()
        if item["state"] in ("succeeded", "failed") or time.monotonic() > deadline:
            return item
        time.sleep(0.5)


def test_the_definition_in_the_readme_loads(tmp_path):
    [text] = [text for kind, text in BLOCKS if kind == "toml"]
    path = tmp_path / "my-loans.toml"
    path.write_text(text)

    assert read_definition(path).contract().sources[-1].name == "loan_to_income"


def test_every_make_target_in_the_readme_exists_and_is_run_somewhere():
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    written = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert targets <= written
    assert {text.split()[1] for kind, text in BLOCKS if text.startswith("make ")} <= MAKE


def test_make_demo():
    done = subprocess.run(
        ["make", "demo"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )

    assert done.returncode == 0, done.stderr
    assert re.search(r"Test AUC  0\.8\d+", done.stdout)
    assert '"decision": "decline"' in done.stdout
    assert "must be one of: own, rent, for free" in done.stdout
    report = Path(re.search(r"Report    (\S+)", done.stdout)[1])
    assert "german-credit" in report.read_text()
    assert "parity gate" in done.stderr


@pytest.fixture(scope="module")
def built():
    """The folders of the zips that `make build` makes, without Docker and so without the image."""
    variables = {**os.environ, "DOCKER_HOST": "tcp://127.0.0.1:9"}
    done = subprocess.run(
        ["make", "build"],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "template.yaml is a valid SAM Template" in done.stdout
    return {name: ROOT / ".aws-sam" / name / name for name in ("PredictFunction", "AdminFunction")}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["PredictFunction", "AdminFunction"])
def test_make_build_makes_zips_that_hold_all_but_what_the_runtime_has(built, name):
    module = read_template().functions[name].handler.rpartition(".")[0]
    code = f"""
import sys
sys.path = [{str(built[name])!r}, *sys.path, {SITE_PACKAGES!r}]
import {module}
for name, module in list(sys.modules.items()):
    if (getattr(module, "__file__", None) or "").startswith({SITE_PACKAGES!r}):
        print(name.partition(".")[0])
"""
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    size = sum(path.stat().st_size for path in built[name].rglob("*") if path.is_file())

    assert set(run.stdout.split()) <= IN_RUNTIME
    assert size < 250e6
