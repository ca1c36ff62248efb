import json

import pytest

from functions.predict import routes as app
from tests import described
from tests.sample import bundle, publish


@pytest.fixture
def promoted(registry, endpoint):
    publish(registry, bundle())


@pytest.fixture
def call(rest_event, lambda_context):
    def send(method, resource, body=None, **path):
        event = rest_event(method, resource, path or None, body)
        response = app.lambda_handler(event, lambda_context)
        described.check(event, response)
        return response["statusCode"], json.loads(response["body"])

    return send


@pytest.fixture
def handle(load_event, lambda_context):
    def send(name):
        event = load_event(name)
        response = app.lambda_handler(event, lambda_context)
        if "statusCode" not in response:
            return None, response
        described.check(event, response)
        return response["statusCode"], json.loads(response["body"])

    return send
