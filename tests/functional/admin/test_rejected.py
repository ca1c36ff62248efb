"""Promoting a version that failed its gates takes an override and a reason."""

import json

import boto3
import pytest

from tests.functional.admin.conftest import MODEL, A, B

VERSION = "20261121T004512Z-3fa9c1d2"
FAILED = ("discrimination", "calibration")


def test_promoting_a_rejected_version_is_a_409_that_names_the_failed_gates(
    registry, ledger, publish, promote
):
    publish(A, failed=FAILED)

    status, body = promote(A)

    assert (status, body["error"]["code"]) == (409, "version_rejected")
    assert "discrimination: Not met. calibration: Not met." in body["error"]["message"]
    assert "parity" not in body["error"]["message"]
    assert (registry.pointers(), ledger.history(MODEL)) == ({}, [])


def test_an_override_promotes_it_and_the_ledger_names_the_gates(
    registry, publish, verified, call, load_event
):
    publish(VERSION, failed=FAILED)
    verified(VERSION)

    status, body = call(load_event("promote-override"))

    assert (status, body["override"]) == (200, list(FAILED))
    assert registry.pointer(MODEL).champion.version == VERSION
    [entry] = call(load_event("history"))[1]["history"]
    assert entry["override"] == list(FAILED)
    assert entry["reason"] == "calibration is mended in the next version"


def test_an_override_of_a_candidate_overrides_nothing(publish, promote):
    publish(A)

    assert promote(A, override=True)[1]["override"] == []


@pytest.mark.parametrize("override", ["true", 1, None])
def test_an_override_is_true_or_false(publish, promote, override):
    publish(A, failed=FAILED)

    status, body = promote(A, override=override)

    assert status == 422
    assert body["error"]["fields"] == [{"field": "override", "rule": "must be true or false"}]


def test_update_model_refuses_a_rejected_version_and_an_override_without_a_reason(
    registry, publish, verified, call, rest_event
):
    publish(A, failed=FAILED)

    def update(**fields):
        event = rest_event("POST", "/update_model", body={"model_name": A, "model": MODEL} | fields)
        return call(event)

    assert update()[0] == 409
    status, body = update(override=True)
    assert (status, body["error"]["fields"][0]["field"]) == (422, "reason")
    verified(A)
    assert update(override=True, reason="agreed with risk")[1]["override"] == list(FAILED)


def test_rolling_back_to_a_rejected_version_needs_no_override(
    registry, publish, promote, verified, call, rest_event
):
    publish(A, failed=FAILED)
    publish(B)
    promote(A, override=True)
    promote(B)
    verified(A)
    event = rest_event(
        "POST", "/models/{model}/rollback", {"model": MODEL}, {"reason": "B is slow"}
    )

    status, body = call(event)

    assert (status, body["current_model"], body["override"]) == (200, A, [])


def test_versions_without_gates_are_candidates(registry, publish, call, load_event, settings):
    publish(A, B, failed=FAILED)
    s3, key = boto3.client("s3"), f"models/{MODEL}/{A}/manifest.json"
    s3.put_object(Bucket=settings.bucket, Key=key, Body=json.dumps({"model": MODEL}))

    _, body = call(load_event("versions"))

    assert [v["status"] for v in body["versions"]] == ["rejected", "candidate"]
