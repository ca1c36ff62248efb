import pytest

from scoreline.core.versions import VersionRef, digest
from scoreline.governance.promotion import Promotions
from tests.functional.admin.conftest import MODEL, A, B, C, onnx

EVENT_VERSION = "20261121T004512Z-3fa9c1d2"
EVENT_EXPECTED = "20261120T101500Z-0b5d7e11"


def test_promote_writes_the_pointer(registry, publish, promote, verified, call, load_event):
    publish(EVENT_EXPECTED, EVENT_VERSION)
    promote(EVENT_EXPECTED)
    verified(EVENT_VERSION)

    status, body = call(load_event("promote"))

    assert status == 200
    assert body["current_model"] == EVENT_VERSION
    assert (body["from"], body["sequence"]) == (EVENT_EXPECTED, 2)
    assert registry.pointer(MODEL).champion == VersionRef(
        EVENT_VERSION, digest(onnx(EVENT_VERSION))
    )


ADA = "arn:aws:iam::123456789012:user/ada.example"


def test_you_may_not_approve_a_version_that_you_trained(registry, ledger, publish, promote):
    publish(A, trained_by=ADA, promotion="manual")

    status, body = promote(A)

    assert (status, body["error"]["code"]) == (403, "four_eyes")
    assert ledger.head(MODEL) is None
    assert registry.pointers() == {}


def test_an_override_of_the_approval_is_in_the_ledger(publish, promote, ledger):
    publish(A, trained_by=ADA, promotion="manual")

    status, body = promote(A, override=True, reason="outage at night, nobody else is there")

    assert (status, body["override"]) == (200, ["approval"])
    assert ledger.head(MODEL).override == ("approval",)


@pytest.mark.parametrize(
    "manifest",
    [
        {"trained_by": ADA.replace("ada", "bea"), "promotion": "manual"},
        {"trained_by": ADA, "promotion": "automatic"},
        {},
    ],
    ids=["another one trained it", "the definition asks for no approval", "trained before"],
)
def test_others_may_promote_it_and_anyone_if_no_approval_is_needed(publish, promote, manifest):
    publish(A, **manifest)

    assert promote(A)[0] == 200


def test_you_may_write_the_pointer_of_a_champion_that_you_trained(
    registry, publish, verified, ledger
):
    publish(A, trained_by="ada")
    promotions = Promotions(registry, ledger, lambda *_: digest(onnx(A)))
    promotions.promote(MODEL, A, who="bea", reason="approved")

    again = promotions.promote(MODEL, A, who="ada", reason="pointer lost")

    assert again.who == "bea"


def test_you_may_roll_back_to_a_version_that_you_trained(registry, publish, ledger):
    publish(A, B, trained_by="ada")
    promotions = Promotions(registry, ledger, lambda _, version: digest(onnx(version)))
    for version in (A, B):
        promotions.promote(MODEL, version, who="bea", reason="approved")

    assert promotions.rollback(MODEL, who="ada", reason="drifts").champion.version == A


def test_update_model_promotes_for_the_default_model(registry, publish, verified, call, load_event):
    publish(EVENT_VERSION)
    verified(EVENT_VERSION)

    status, body = call(load_event("update-model"))

    assert (status, body["current_model"], body["model"]) == (200, EVENT_VERSION, MODEL)
    assert registry.pointer(MODEL).champion.version == EVENT_VERSION


def test_update_model_names_another_model_and_needs_no_reason(
    registry, publish, verified, call, rest_event
):
    publish(A, model="credit-card")
    verified(A)
    body = {"model_name": A, "model": "credit-card"}

    status, _ = call(rest_event("POST", "/update_model", body=body))

    assert status == 200
    assert registry.pointer("credit-card").champion.version == A


def test_promoting_an_unknown_version_is_404_and_nothing_changes(
    registry, ledger, publish, promote, call, load_event
):
    publish(A)
    promote(A)

    status, body = call(load_event("promote-unknown-version"))

    assert (status, body["error"]["code"]) == (404, "version_not_found")
    assert registry.pointer(MODEL).champion.version == A
    assert len(ledger.history(MODEL)) == 1


@pytest.mark.parametrize("version", ["v2", "../../etc", "20261121T004512Z-3FA9C1D2"])
def test_a_version_id_of_another_form_is_an_unknown_version(aws, promote, version):
    status, body = promote(version)

    assert (status, body["error"]["code"]) == (404, "version_not_found")


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        pytest.param(
            {"error": {"code": "version_refused", "message": "golden row 3", "fields": []}},
            409,
            "version_refused",
            id="fails its golden rows",
        ),
        pytest.param(
            {"error": {"code": "internal_error", "message": "internal error", "fields": []}},
            409,
            "version_refused",
            id="does not load",
        ),
        pytest.param(
            {"verified": True, "sha256": "0" * 64}, 409, "version_refused", id="another model.onnx"
        ),
        pytest.param("what?", 409, "version_refused", id="no verification"),
        pytest.param(
            {"error": {"code": "registry_unavailable", "message": "S3", "fields": []}},
            503,
            "registry_unavailable",
            id="predict cannot reach S3",
        ),
    ],
)
def test_a_version_that_is_not_verified_is_refused_and_nothing_changes(
    registry, ledger, publish, promote, predict_says, call, rest_event, answer, status, code
):
    publish(A, B)
    promote(A)
    predict_says(answer)
    body = {"version": B, "reason": "passes every check"}

    answered, error = call(rest_event("POST", "/models/{model}/promote", {"model": MODEL}, body))

    assert (answered, error["error"]["code"]) == (status, code)
    assert registry.pointer(MODEL).champion.version == A
    assert len(ledger.history(MODEL)) == 1


def test_promoting_over_another_champion_than_expected_is_409(registry, publish, promote):
    publish(A, B, C)
    promote(A)
    promote(B)

    status, body = promote(C, expected=A)

    assert (status, body["error"]["code"]) == (409, "promotion_conflict")
    assert registry.pointer(MODEL).champion.version == B


def test_promote_names_all_bad_fields_at_once_and_no_value(aws, call, load_event):
    status, body = call(load_event("promote-bad-fields"))

    assert (status, body["error"]["code"]) == (422, "invalid_request")
    assert {f["field"]: f["rule"] for f in body["error"]["fields"]} == {
        "resaon": "is not a field of this request",
        "version": "must be a string of 1 to 500 printable characters",
        "reason": "is required",
    }
    assert "misspelt" not in str(body)


@pytest.mark.parametrize(
    "body", ["{", "[]", "", '{"reason": "a", "reason": "b"}', "null"], ids=repr
)
def test_a_body_that_is_not_a_json_object_is_400(aws, call, rest_event, body):
    event = rest_event("POST", "/models/{model}/rollback", {"model": MODEL}, body)

    status, answer = call(event)

    assert (status, answer["error"]["code"]) == (400, "malformed_request")


def test_rollbacks_go_down_the_stack_and_end_in_409(
    registry, publish, promote, verified, call, load_event
):
    publish(A, B, C)
    for version in (A, B, C):
        promote(version)
    verified(B, A)
    event = load_event("rollback")

    first, second, third = call(event), call(event), call(event)

    assert (first[0], first[1]["current_model"]) == (200, B)
    assert (second[0], second[1]["current_model"], second[1]["from"]) == (200, A, B)
    assert (third[0], third[1]["error"]["code"]) == (409, "promotion_conflict")
    assert registry.pointer(MODEL).champion.version == A


def test_rolling_back_to_a_version_that_does_not_load_is_refused(
    registry, ledger, publish, promote, predict_says, call, load_event
):
    publish(A, B)
    promote(A)
    promote(B)
    predict_says({"error": {"code": "version_refused", "message": "digest", "fields": []}})

    status, _ = call(load_event("rollback"))

    assert status == 409
    assert registry.pointer(MODEL).champion.version == B
    assert len(ledger.history(MODEL)) == 2
