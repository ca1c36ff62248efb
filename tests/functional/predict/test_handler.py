"""What happens in INIT, and after a SnapStart restore."""

import os
import subprocess
import sys

import snapshot_restore_py

from functions.predict import handler
from functions.predict.routes import champions
from tests.sample import bundle, publish

SHOW = "from functions.predict import handler, routes; print(*routes.champions().loaded())"


def loaded_by_importing(**variables):
    out = subprocess.run(
        [sys.executable, "-c", SHOW],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return out.stdout.split()


def test_in_lambda_importing_the_handler_loads_the_default_models_champion(registry, endpoint):
    publish(registry, bundle())

    assert loaded_by_importing(AWS_LAMBDA_RUNTIME_API="127.0.0.1:9001") == ["sample"]
    assert loaded_by_importing() == []


def test_a_function_without_a_model_starts_and_says_why_it_cannot_answer(registry, endpoint, log):
    handler.load_default_champion()

    assert champions().loaded() == {}
    assert [(line["level"], line["problem"]) for line in log()] == [
        ("WARNING", "loan-risk: nothing is promoted")
    ]


def test_after_a_restore_a_promotion_is_seen_at_once(registry, endpoint):
    publish(registry, bundle())
    handler.load_default_champion()
    publish(registry, bundle(seed=2))
    assert champions().get("sample").model.version == bundle().version

    for hook, arguments, keywords in snapshot_restore_py.get_after_restore():
        hook(*arguments, **keywords)

    assert champions().get("sample").model.version == bundle(seed=2).version
