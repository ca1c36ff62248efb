"""How many of our files a promotion and a rollback touch.

    pytest -s tests/functional/admin/test_call_path.py

prints the paths. At commit 65e50d6 the first promotion in a new function touched 17 files in 100
calls and returned 56 times to a file that it had left; a later one touched 13 in 95 calls with 50
returns, and a rollback 13 in 96 calls with 49 returns. The ledger's
anchor and the reading of JSON have added a file each since.
"""

import json

import pytest

from functions.admin.handler import lambda_handler
from tests.call_path import trace
from tests.functional.admin.conftest import MODEL, A, B

WATCH = {"minutes": 60, "max_error_rate": 0.02, "max_score_drift": 0.25, "min_decisions": 100}


@pytest.fixture
def walk(rest_event, lambda_context, verified):
    """Make a version the champion by a request; returns the path of the request."""

    def walk(action, champion, **body):
        verified(champion)
        event = rest_event("POST", "/models/{model}/" + action, {"model": MODEL}, body)
        answer, path = trace(lambda_handler, event, lambda_context)
        assert json.loads(answer["body"])["current_model"] == champion
        print(f"\n{action}: {path}", *(f"{file} {name}" for file, name in path.steps), sep="\n")
        return path

    return walk


@pytest.mark.slow
def test_a_promotion_and_a_rollback_touch_few_files(publish, walk):
    publish(A, B, watch=WATCH)

    first = walk("promote", A, version=A, reason="passes every check")
    promotion = walk("promote", B, version=B, reason="passes every check")
    rollback = walk("rollback", A, reason="drifts")

    assert len(first.files) <= 15
    assert first.calls <= 93
    assert len(promotion.files) <= 15
    assert promotion.calls <= 88
    assert promotion.returns <= 45
    assert len(rollback.files) <= 14
    assert rollback.calls <= 76
    assert rollback.returns <= 41
