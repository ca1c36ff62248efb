import io
import json

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from scoreline.aws.predict_function import PredictFunction
from scoreline.core.errors import RegistryUnavailableError, VersionRefusedError

VERSION = "20261121T004512Z-3fa9c1d2"


@pytest.fixture
def client():
    client = boto3.client("lambda")
    yield client
    client.close()


def verify(client, payload, **answer):
    body = json.dumps(payload).encode()
    stub = Stubber(client)
    stub.add_response("invoke", {"Payload": StreamingBody(io.BytesIO(body), len(body)), **answer})
    with stub:
        return PredictFunction(client, "scoreline-test-predict").verify("loan-risk", VERSION)


def test_verification_gives_the_digest_that_predict_has_loaded(client):
    assert verify(client, {"verified": True, "sha256": "ab" * 32}) == "ab" * 32


def test_a_function_error_refuses_the_version_and_keeps_its_text_out(client):
    crash = {"errorType": "Runtime.OutOfMemory", "errorMessage": "stack and values"}

    with pytest.raises(VersionRefusedError) as refused:
        verify(client, crash, FunctionError="Unhandled")

    assert "values" not in refused.value.message


def test_a_throttled_predict_function_does_not_refuse_the_version(client):
    stub = Stubber(client)
    stub.add_client_error("invoke", "TooManyRequestsException", http_status_code=429)

    with stub, pytest.raises(RegistryUnavailableError):
        PredictFunction(client, "scoreline-test-predict").verify("loan-risk", VERSION)
