"""What tests of a running stack share; `stack` is each module's own."""

import httpx
import pytest

from local.environment import aws_variables


@pytest.fixture
def in_stack(stack, monkeypatch):
    """boto3 talks to the stack."""
    for name, value in aws_variables(aws_url=stack.aws_url, http_url=stack.http_url).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def client(stack):
    with httpx.Client(base_url=stack.http_url, timeout=60) as client:
        yield client
