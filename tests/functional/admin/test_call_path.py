"""How many of our files a promotion and a rollback touch in a warm function.

    pytest -s tests/functional/admin/test_call_path.py

prints both paths. At commit 65e50d6 a promotion touched 13 files in 95 calls and returned 50 times
to a file that it had left; a rollback touched 13 in 96 calls with 49 returns.
"""

import json

import pytest

from functions.admin.handler import lambda_handler
from tests.call_path import trace
from tests.functional.admin.conftest import MODEL, A, B

WATCH = {"minutes": 60, "max_error_rate": 0.02, "max_score_drift": 0.25, "min_decisions": 100}


@pytest.fixture
def walk(rest_event, lambda_context):
    """Answer a request in a warm function; its champion and its path."""

    def walk(action, **body):
        event = rest_event("POST", "/models/{model}/" + action, {"model": MODEL}, body)
        answer, path = trace(lambda_handler, event, lambda_context)
        print(f"\n{action}: {path}", *(f"{file} {name}" for file, name in path.steps), sep="\n")
        return json.loads(answer["body"])["current_model"], path

    return walk


def test_a_promotion_and_a_rollback_touch_few_files(publish, promote, verified, walk):
    publish(A, B, watch=WATCH)
    promote(A)

    verified(B)
    champion, promotion = walk("promote", version=B, reason="passes every check")
    assert champion == B
    verified(A)
    champion, rollback = walk("rollback", reason="drifts")
    assert champion == A

    assert len(promotion.files) <= 13
    assert promotion.calls <= 70
    assert promotion.returns <= 38
    assert len(rollback.files) <= 12
    assert rollback.calls <= 70
    assert rollback.returns <= 40
