"""Versions that need no approval: the event of their manifest promotes them."""

from functools import partial

import pytest

from functions.admin.handler import lambda_handler
from scoreline.aws.ledger import Ledger
from scoreline.core.errors import PromotionConflictError, RegistryUnavailableError
from scoreline.core.versions import Pointer, VersionRef, digest
from scoreline.governance.automatic import promote_published
from scoreline.governance.entry import SERVICE, Entry
from scoreline.governance.promotion import Promotions
from tests.functional.admin.conftest import MODEL, A, B, C, onnx

EVENT_VERSION = "20261121T004512Z-3fa9c1d2"
AUTOMATIC = {"promotion": "automatic", "trained_by": "ada"}


def better_than(champion, low=0.001):
    """Part of the manifest of a version that was compared with a champion."""
    return {"comparison": {"champion": champion, "difference": {"low": low}}}


def verify(_model, version):
    return digest(onnx(version))


@pytest.fixture
def promotions(registry, ledger):
    return Promotions(registry, ledger, verify)


@pytest.fixture
def automatic(promotions):
    return partial(promote_published, promotions)


@pytest.fixture
def history(ledger):
    return lambda: [(e.action, e.champion.version, e.who) for e in ledger.history(MODEL)]


def test_the_event_of_a_manifest_promotes_the_version(
    registry, publish, verified, ledger, load_event, lambda_context
):
    publish(EVENT_VERSION, **AUTOMATIC)
    verified(EVENT_VERSION)

    lambda_handler(load_event("version-published"), lambda_context)

    assert registry.pointer(MODEL).champion.version == EVENT_VERSION
    head = ledger.head(MODEL)
    assert (head.who, head.reason) == (SERVICE, "automatic: all gates passed")


@pytest.mark.parametrize(
    "manifest", [{"promotion": "manual"}, {}, {**AUTOMATIC, "failed": ("leakage",)}], ids=str
)
def test_a_version_that_needs_approval_waits(
    aws, registry, publish, load_event, lambda_context, manifest
):
    publish(EVENT_VERSION, **manifest)

    lambda_handler(load_event("version-published"), lambda_context)

    assert registry.pointers() == {}


def test_a_version_that_no_longer_exists_is_ignored(aws, load_event, lambda_context, log):
    lambda_handler(load_event("version-published"), lambda_context)

    assert "has no version" in log()[-1]["problem"]


def test_an_object_that_only_looks_like_a_manifest_is_ignored(aws, load_event, lambda_context):
    event = load_event("version-published")
    event["detail"]["object"]["key"] = "models/loan-risk/notes/manifest.json"

    assert lambda_handler(event, lambda_context) is None


def test_a_repeated_event_adds_no_entry(automatic, publish, history):
    publish(A, **AUTOMATIC)
    publish(B, **AUTOMATIC, **better_than(A))

    for version in (A, A, B, B, A):
        automatic(MODEL, version)

    assert history() == [("promote", A, SERVICE), ("promote", B, SERVICE)]


@pytest.mark.parametrize(
    "compared",
    [
        pytest.param(better_than(A, low=0.0), id="equal"),
        pytest.param(better_than(C), id="better than another"),
        pytest.param({"comparison": None}, id="not compared"),
        pytest.param({}, id="before there were gates"),
    ],
)
def test_a_version_that_is_not_shown_to_be_better_waits_for_approval(
    automatic, publish, registry, promotions, compared, log
):
    publish(A, **AUTOMATIC)
    publish(B, **AUTOMATIC, **compared)

    for version in (A, B):
        automatic(MODEL, version)

    assert registry.pointer(MODEL).champion.version == A
    assert log()[-1]["message"] == "not promoted: not shown to be better"
    assert promotions.promote(MODEL, B, who="bea", reason="as good, and on newer data")


def test_an_older_version_does_not_replace_a_newer_champion(automatic, publish, registry):
    publish(A, B, **AUTOMATIC)

    automatic(MODEL, B)
    automatic(MODEL, A)

    assert registry.pointer(MODEL).champion.version == B


def test_a_version_that_was_rolled_back_is_not_promoted_again(
    automatic, promotions, publish, registry, history
):
    publish(A, **AUTOMATIC)
    publish(B, **AUTOMATIC, **better_than(A))
    automatic(MODEL, A)
    automatic(MODEL, B)
    promotions.rollback(MODEL, who="bea", reason="drifts")

    automatic(MODEL, B)

    assert registry.pointer(MODEL).champion.version == A
    assert len(history()) == 3


def test_a_promotion_that_failed_before_the_pointer_is_completed(
    automatic, promotions, publish, registry, history, monkeypatch
):
    publish(A, **AUTOMATIC)

    def crash(*_):
        raise RegistryUnavailableError("SSM answered InternalServerError")

    with monkeypatch.context() as patch:
        patch.setattr(registry, "write_pointer", crash)
        with pytest.raises(RegistryUnavailableError):
            automatic(MODEL, A)
    assert registry.pointers() == {}

    automatic(MODEL, A)

    assert registry.pointer(MODEL).champion.version == A
    assert len(history()) == 1


def test_a_pointer_that_was_changed_by_hand_stays(automatic, publish, registry):
    publish(A, B, **AUTOMATIC)
    automatic(MODEL, B)
    registry.write_pointer(MODEL, Pointer(VersionRef(A, verify(MODEL, A))))

    automatic(MODEL, B)

    assert registry.pointer(MODEL).champion.version == A


@pytest.mark.parametrize("before", [(), (A,)], ids=["the first one", "another one"])
def test_a_concurrent_promotion_is_a_conflict_and_the_retry_respects_it(
    promotions, publish, registry, before
):
    publish(A, B, C, **AUTOMATIC, **better_than(A))
    for version in before:
        promotions.promote(MODEL, version, who="bea", reason="first")

    class Late(Ledger):
        """Someone promotes C right after the history was read."""

        def history(self, model):
            found = super().history(model)
            promotions.promote(MODEL, C, who="bea", reason="in between")
            return found

    ledger = Late.connect(registry.settings, Entry)
    late = partial(promote_published, Promotions(registry, ledger, verify))

    with pytest.raises(PromotionConflictError):
        late(MODEL, B)
    assert late(MODEL, B) is None
    assert registry.pointer(MODEL).champion.version == C


def test_a_version_that_predict_refuses_is_not_promoted_or_retried(
    registry, publish, predict_says, load_event, lambda_context, log
):
    publish(EVENT_VERSION, **AUTOMATIC)
    predict_says({"error": {"code": "version_refused", "message": "golden row", "fields": []}})

    lambda_handler(load_event("version-published"), lambda_context)

    assert registry.pointers() == {}
    assert "golden row" in log()[-1]["problem"]


def test_lambda_retries_if_aws_does_not_answer(load_event, lambda_context, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    with pytest.raises(RegistryUnavailableError):
        lambda_handler(load_event("version-published"), lambda_context)
