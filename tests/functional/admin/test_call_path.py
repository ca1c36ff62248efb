"""How many of our files a promotion touches. `pytest -s` prints the figures.

At commit 65e50d6 the admin function loaded 24 files. A promotion touched 13 files in 95 calls and
returned 50 times to a file that it had left; a rollback touched 13 in 96 calls with 49 returns.
"""

import json
import subprocess
import sys

import pytest

from functions.admin.handler import lambda_handler
from tests.call_path import trace
from tests.functional.admin.conftest import MODEL, A, B

WATCH = {"minutes": 60, "max_error_rate": 0.02, "max_score_drift": 0.25, "min_decisions": 100}
LOADED = """
import functions.admin.handler, sys
modules = [m for m in sys.modules if m.split(".")[0] in {"functions", "scoreline"}]
print(sum(not hasattr(sys.modules[m], "__path__") for m in modules))
"""


@pytest.fixture
def walk(rest_event, lambda_context):
    """Answer a request in a warm function; its champion and its path."""

    def walk(action, **body):
        event = rest_event("POST", "/models/{model}/" + action, {"model": MODEL}, body)
        answer, path = trace(lambda_handler, event, lambda_context)
        print(f"{action}: {path}")
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
    assert promotion.calls <= 95
    assert promotion.returns <= 50
    assert len(rollback.files) <= 13
    assert rollback.calls <= 96
    assert rollback.returns <= 49


def test_the_admin_function_loads_few_files():
    out = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)

    print(f"loaded: {int(out.stdout)} files")
    assert int(out.stdout) <= 24
