"""Verification: whether a version may be promoted."""

import json

import boto3
import pytest

from functions.predict import routes as app
from scoreline.core.versions import bundle_key
from tests.sample import bundle

pytestmark = [
    pytest.mark.filterwarnings("ignore:No application metrics to publish"),
    pytest.mark.usefixtures("promoted"),
]


def test_verify_says_whether_a_version_may_be_promoted(lambda_context, registry, settings):
    version = bundle().version

    def verify(version):
        event = {"verify": {"model": "sample", "version": version}}
        return app.lambda_handler(event, lambda_context)

    assert verify(version)["verified"] is True
    assert verify("20260101T000000Z-00000000")["error"]["code"] == "version_not_found"
    assert verify("../..")["error"]["code"] == "version_not_found"


def test_a_version_with_another_golden_answer_is_refused(lambda_context, registry):
    made = bundle(seed=3)
    manifest = json.loads(made.files["manifest.json"])
    manifest["golden"][0]["answer"]["score"] += 1
    files = {**made.files, "manifest.json": json.dumps(manifest).encode()}
    registry.publish("sample", made.version, files)

    event = {"verify": {"model": "sample", "version": made.version}}

    assert app.lambda_handler(event, lambda_context)["error"]["code"] == "version_refused"


def spoil(manifest, part, value):
    """The manifest with another value in the place `part`, which may lie deeper."""
    *path, last = part
    for key in path:
        manifest = manifest[key]
    manifest[last] = value


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (["files"], {}),
        (["files"], None),
        (["files"], {"model.onnx": None}),
        (["golden"], None),
        (["golden"], 7),
        (["golden"], []),
        (["golden", 0], "row"),
        (["golden", 0], {}),
        (["golden", 0, "application"], 7),
        (["golden", 0, "application"], {}),
        (["golden", 0, "answer"], {}),
        (["golden", 0, "answer", "probability_of_default"], "high"),
    ],
    ids=str,
)
def test_a_version_with_a_malformed_manifest_is_refused(lambda_context, settings, log, part, value):
    made = bundle()
    manifest = json.loads(made.files["manifest.json"])
    spoil(manifest, part, value)
    overwrite_manifest(settings, json.dumps(manifest))
    event = {"verify": {"model": "sample", "version": made.version}}

    assert app.lambda_handler(event, lambda_context)["error"]["code"] == "version_refused"
    assert not [line for line in log() if line["level"] == "ERROR"]


def test_a_version_with_an_empty_manifest_is_refused(lambda_context, settings):
    overwrite_manifest(settings, "{}")
    event = {"verify": {"model": "sample", "version": bundle().version}}

    assert app.lambda_handler(event, lambda_context)["error"]["code"] == "version_refused"


def overwrite_manifest(settings, text):
    key = bundle_key("sample", bundle().version, "manifest.json")
    boto3.client("s3").put_object(Bucket=settings.bucket, Key=key, Body=text.encode())
