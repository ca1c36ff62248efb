"""Every command of the README and the pages runs, and every answer in them is the one that comes.

A page is run from its first block to its last, in a folder that stands for the clone and against
one local stack for all pages. Blocks are

- `sh` and `python`: run, unless it is a make target, which other tests or CI run;
- `json`: the answer to the command before, on the last line of its output;
- `text`: lines of the output of the command before, whatever their numbers;
- `toml`: with a title, a file; without one, changes of the example definition, which must load.

A block after `<!-- not run: reason -->` is left out.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import boto3
import httpx
import pytest

from cli.deployment import Deployment
from local.environment import ACCOUNT, REGION, STAGE, read_template, without_aws
from local.stack import Stack
from local.template import ROOT
from scoreline.core.settings import Settings
from scoreline.definition.files import parse_definition

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("documents")]

# boto3 and what it imports, certifi only where it finds it; the hooks of SnapStart.
IN_RUNTIME = {"boto3", "botocore", "certifi", "dateutil", "s3transfer", "six", "urllib3"}
IN_RUNTIME |= {"snapshot_restore_py"}
SITE_PACKAGES = sysconfig.get_path("purelib")
HAND_WRITTEN = sorted(path for path in (ROOT / "docs").glob("*.md"))
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *HAND_WRITTEN, *DECISIONS]
NOT_RUN = 1  # a deployment to AWS
BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>.+) -->\n)?"
    r"^```(?P<kind>\w+)(?: title=\"(?P<title>[^\"\n]+)\")?\n(?P<text>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
# Run by tests of their own below, or by CI itself.
MAKE = {"build", "demo", "install", "lint", "serve", "test-fast"}
NUMBER = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}|\d[\d,]*(?:\.\d+)?(?:e-\d+)?")


@dataclass(frozen=True)
class Block:
    """A block of a page: its language, its file's name if any, and why it is not run if so."""

    kind: str
    text: str
    title: str | None
    reason: str | None

    @property
    def is_make(self):
        return self.kind == "sh" and self.text.startswith("make ")


def blocks(page):
    return [
        Block(m["kind"], m["text"], m["title"], m["reason"])
        for m in BLOCK.finditer(page.read_text())
    ]


def named(page):
    return page.relative_to(ROOT).as_posix()


class Reader:
    """Someone who follows pages on a machine with a running stack, in a folder like the clone."""

    def __init__(self, folder, stack):
        self.folder, self.stack = folder, stack
        self.environment = {
            **without_aws(os.environ),
            **stack.environment,
            "COLUMNS": "120",
            "PYTHONPATH": str(folder),  # its models come before those of the clone
        }
        self.output = ""
        self.followed = set()
        (folder / ".venv").symlink_to(ROOT / ".venv")
        (folder / ".scoreline").mkdir()
        shutil.copytree(ROOT / "models", folder / "models")

    def follow(self, page):
        """Run a page's commands and compare their answers, once."""
        if page in self.followed:
            return
        self.followed.add(page)
        for block in blocks(page):
            if block.reason is None and not block.is_make:
                getattr(self, f"_{block.kind}")(block)

    def _sh(self, block):
        self._run(["bash", "-euo", "pipefail", "-c", self._here(block.text)])

    def _python(self, block):
        self._run([".venv/bin/python", "-c", self._here(block.text)])

    def _here(self, command):
        return command.replace("http://127.0.0.1:3000", self.stack.http_url)

    def _run(self, command):
        run = subprocess.run(
            command,
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, (command[-1], run.stdout, run.stderr)
        self.output = run.stdout

    def _json(self, block):
        assert_like(json.loads(self.output.splitlines()[-1]), json.loads(block.text))

    def _text(self, block):
        lines = {without_numbers(line) for line in self.output.splitlines()}
        for line in block.text.splitlines():
            assert without_numbers(line) in lines, (line, self.output)

    def _toml(self, block):
        if block.title:
            path = self.folder / block.title
            path.write_text(block.text)
            parse_definition(block.title, tomllib.loads(block.text))
        else:
            changed = {**example(), **tomllib.loads(block.text)}
            parse_definition("changed", changed)


def without_numbers(line):
    return " ".join(NUMBER.sub("#", line).split())


def example():
    """The definition that the page about definitions begins with."""
    [text] = [b.text for b in blocks(ROOT / "docs" / "definition.md") if b.title]
    return tomllib.loads(text)


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
            [sys.executable, "-c", "from tests.e2e.test_documents import seed_here; seed_here()"],
            env=variables,
            cwd=ROOT,
            check=True,
        )
        yield stack


def seed_here():
    """Train and promote the demo model in the stack that the environment names."""
    from cli.seed_data import DEMO_MODEL
    from cli.seeding import seed

    seed(Deployment.connect(STAGE), DEMO_MODEL, print)


@pytest.fixture(scope="module")
def reader(stack, tmp_path_factory):
    return Reader(tmp_path_factory.mktemp("clone"), stack)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=named)
def test_every_command_of_a_page_and_its_answer(page, reader):
    reader.follow(page)


def test_training_that_the_page_about_operations_asks_for_goes_all_the_way(reader, stack):
    reader.follow(ROOT / "docs" / "operations.md")

    assert_trained(stack)


def test_blocks_that_are_not_run_say_so_and_are_counted():
    reasons = [block.reason for page in PAGES for block in blocks(page) if block.reason]

    assert len(reasons) == NOT_RUN


def test_every_block_is_of_a_kind_that_is_checked():
    marks = sum(page.read_text().count("<!-- not run:") for page in PAGES)
    fences = sum(len(re.findall(r"^```", page.read_text(), re.MULTILINE)) for page in PAGES)
    found = [block for page in PAGES for block in blocks(page)]

    assert fences == 2 * len(found)
    assert marks == NOT_RUN + 1  # the contributing guide shows the mark
    assert {block.kind for block in found if not block.reason} <= {
        "json",
        "python",
        "sh",
        "text",
        "toml",
    }


def test_every_make_target_of_the_pages_exists_and_is_run_somewhere():
    text = "\n".join(page.read_text() for page in PAGES)
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    written = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    made = {
        line.split()[1]
        for p in PAGES
        for b in blocks(p)
        if b.is_make
        for line in b.text.splitlines()
    }

    assert targets <= written
    assert made <= MAKE


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
