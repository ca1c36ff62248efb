"""How far a reader walks through our files to follow one application.

Measured like this at commit 65e50d6: 13 files, 95 calls, 17 returns. `pytest -s` prints the path.
"""

import json

import pytest

from functions.predict.handler import lambda_handler
from tests.call_path import trace
from tests.sample import APPLICATION, bundle, publish

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@pytest.mark.slow
def test_an_application_takes_few_files_and_few_returns(
    registry, endpoint, rest_event, lambda_context
):
    publish(registry, bundle())
    event = rest_event("POST", "/predict", None, APPLICATION)
    lambda_handler(event, lambda_context)  # loads the model

    response, path = trace(lambda_handler, event, lambda_context)

    print(path, *path.steps, sep="\n")
    assert json.loads(response["body"])["decision"]
    assert len(path.files) <= 11
    assert path.calls <= 55
    assert path.returns <= 8
