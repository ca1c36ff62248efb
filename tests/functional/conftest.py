import logging

import pytest
from moto.server import ThreadedMotoServer


@pytest.fixture(scope="session")
def moto_url():
    """moto over HTTP, for what boto3 does not send; it shares its state with `mock_aws`."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def endpoint(aws, moto_url, monkeypatch):
    """Predict's own client finds the AWS of this test."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    return moto_url
