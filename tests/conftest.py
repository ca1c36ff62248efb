import json
import os
import sys
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import boto3
import hypothesis
import pytest
from botocore.loaders import create_loader
from botocore.session import get_session
from moto import mock_aws

from scoreline.aws.registry import ModelRegistry
from scoreline.core.log import logger
from scoreline.core.settings import Settings
from tests import guard, shared, support

# A busy machine is slow now and then; that is no failure.
hypothesis.settings.register_profile("scoreline", deadline=None)
hypothesis.settings.register_profile("fast", deadline=None, max_examples=10)
hypothesis.settings.load_profile("scoreline")


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # xdist's workers belong to the run of their parent
        config.guard = guard.start()


def pytest_itemcollected(item):
    if "aws" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.aws)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """A run that leaves a process behind has failed."""
    if hasattr(session.config, "workerinput"):
        return
    left = guard.left_after(os.environ[guard.VARIABLE], guard.PATIENCE_S)
    if left:
        sys.stderr.write("".join(f"\nleft behind: {pid} {name}" for pid, name in left.items()))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True, scope="session")
def shared_versions(tmp_path_factory):
    """Workers of one run have a folder each, in a folder of the run."""
    own = tmp_path_factory.getbasetemp()
    shared.use((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "versions")


@pytest.fixture(autouse=True)
def environment(monkeypatch, settings):
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", support.REGION)
    monkeypatch.setenv("SCORELINE_STAGE", settings.stage)
    monkeypatch.setenv("SCORELINE_BUCKET", settings.bucket)
    yield
    apps = [vars(m) for name, m in sys.modules.items() if name.startswith("functions.")]
    for cached in (
        value for app in apps for value in app.values() if hasattr(value, "cache_clear")
    ):
        cached.cache_clear()


@pytest.fixture
def settings():
    return Settings.for_account("test", support.ACCOUNT)


@pytest.fixture(scope="session")
def service_models():
    """What botocore knows about services, parsed once."""
    return create_loader()


@pytest.fixture
def aws(environment, settings, service_models):
    with mock_aws(config={"lambda": {"use_docker": False}}):
        session = get_session()
        session.register_component("data_loader", service_models)
        boto3.setup_default_session(botocore_session=session)
        support.create_resources(settings)
        yield


@pytest.fixture
def registry(aws, settings):
    return ModelRegistry.connect(settings)


@pytest.fixture
def lambda_context():
    arn = f"arn:aws:lambda:{support.REGION}:{support.ACCOUNT}:function:scoreline-test"
    names = {"function_name": "scoreline-test", "aws_request_id": "c0ffee"}
    return SimpleNamespace(**names, memory_limit_in_mb=512, invoked_function_arn=arn)


@pytest.fixture
def log(monkeypatch):
    """What has been logged since: the lines as objects."""
    stream = StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture(scope="session")
def data_dir():
    """The folder of real data, which is no part of the project."""
    if "DATA_DIR" not in os.environ:
        pytest.skip("DATA_DIR names no folder of real data")
    return Path(os.environ["DATA_DIR"])


@pytest.fixture
def load_event():
    return support.load_event


@pytest.fixture
def rest_event():
    return support.rest_event
