"""Promotions that fail or are delayed between their steps."""

from dataclasses import replace

import boto3
import pytest

from scoreline.aws.registry import ModelRegistry
from scoreline.core.errors import (
    PromotionConflictError,
    RegistryUnavailableError,
    VersionNotFoundError,
    VersionRefusedError,
    VersionRejectedError,
)
from scoreline.core.versions import Pointer, VersionRef, digest
from scoreline.governance.anchors import Anchor
from scoreline.governance.promotion import Promotions
from tests.functional.admin.conftest import MODEL, A, B, C, onnx

pytestmark = pytest.mark.slow

WHY = {"who": "ada", "reason": "test"}


def verify(model, version):
    return digest(onnx(version))


class BeforePointer(ModelRegistry):
    """Runs `interlude` once, before its first write of a pointer."""

    interlude = None

    def write_pointer(self, model, pointer):
        interlude, self.interlude = self.interlude, None
        if interlude is not None:
            interlude()
        super().write_pointer(model, pointer)


def crash():
    raise RegistryUnavailableError("SSM answered InternalServerError")


@pytest.fixture
def promotions(registry, ledger, publish):
    publish(A, B, C)
    return Promotions(registry, ledger, verify)


@pytest.fixture
def interrupted(promotions, settings):
    """Promotions whose next write of a pointer is preceded by `interlude`."""

    def interrupted(interlude):
        registry = BeforePointer.connect(settings)
        registry.interlude = interlude
        return Promotions(registry, promotions.ledger, verify)

    return interrupted


def state(promotions):
    return promotions.ledger.head(MODEL).champion.version, serving(promotions)


def serving(promotions):
    return promotions.registry.pointer(MODEL).champion.version


def test_a_promotion_that_fails_before_the_pointer_is_completed_by_promoting_again(
    promotions, interrupted
):
    promotions.promote(MODEL, A, **WHY)
    with pytest.raises(RegistryUnavailableError, match=f"promote {B} again"):
        interrupted(crash).promote(MODEL, B, **WHY, expected=A)
    assert state(promotions) == (B, A)

    head = promotions.promote(MODEL, B, **WHY, expected=A)

    assert state(promotions) == (B, B)
    assert head.sequence == 2
    assert len(promotions.ledger.history(MODEL)) == 2


def test_a_first_promotion_that_fails_is_completed_by_promoting_again(promotions, interrupted):
    with pytest.raises(RegistryUnavailableError):
        interrupted(crash).promote(MODEL, A, **WHY)

    promotions.promote(MODEL, A, **WHY)

    assert state(promotions) == (A, A)


def test_the_next_promotion_replaces_one_that_failed(promotions, interrupted):
    with pytest.raises(RegistryUnavailableError):
        interrupted(crash).promote(MODEL, A, **WHY)

    promotions.promote(MODEL, B, **WHY)

    assert state(promotions) == (B, B)


def test_a_rollback_that_fails_is_completed_without_a_second_entry(promotions, interrupted):
    for version in (A, B, C):
        promotions.promote(MODEL, version, **WHY)
    with pytest.raises(RegistryUnavailableError):
        interrupted(crash).rollback(MODEL, **WHY, expected=C)
    assert state(promotions) == (B, C)

    head = promotions.rollback(MODEL, **WHY, expected=C)

    assert state(promotions) == (B, B)
    assert head.sequence == 4
    assert len(promotions.ledger.history(MODEL)) == 4


def test_a_version_restored_by_hand_is_rolled_back_again_with_an_entry(promotions):
    for version in (A, B, C):
        promotions.promote(MODEL, version, **WHY)
    promotions.rollback(MODEL, **WHY)
    promotions.registry.write_pointer(MODEL, Pointer(VersionRef(C, verify(MODEL, C))))

    head = promotions.rollback(MODEL, who="bea", reason="restored by hand", expected=C)

    assert state(promotions) == (B, B)
    assert promotions.ledger.history(MODEL)[-1] == head
    assert (head.sequence, head.action, head.who, head.reason) == (
        5,
        "rollback",
        "bea",
        "restored by hand",
    )
    assert (head.previous, head.champion.version) == (C, B)
    promotions.rollback(MODEL, **WHY)
    assert state(promotions) == (A, A)


def test_rolling_back_again_may_fail_too_and_is_completed(promotions, interrupted):
    for version in (A, B):
        promotions.promote(MODEL, version, **WHY)
    promotions.rollback(MODEL, **WHY)
    promotions.registry.write_pointer(MODEL, Pointer(VersionRef(B, verify(MODEL, B))))
    with pytest.raises(RegistryUnavailableError):
        interrupted(crash).rollback(MODEL, **WHY)
    assert state(promotions) == (A, B)

    promotions.rollback(MODEL, **WHY)

    assert state(promotions) == (A, A)
    assert len(promotions.ledger.history(MODEL)) == 4


def test_a_slow_promotion_does_not_leave_the_pointer_behind_the_ledger(promotions, interrupted):
    promotions.promote(MODEL, A, **WHY)

    slow = interrupted(lambda: promotions.promote(MODEL, C, **WHY))
    head = slow.promote(MODEL, B, **WHY)

    assert state(promotions) == (C, C)
    assert head.champion.version == C


def test_promoting_the_champion_again_undoes_a_manual_change_of_the_pointer(promotions):
    promotions.promote(MODEL, A, **WHY)
    promotions.registry.write_pointer(MODEL, Pointer(VersionRef(B, verify(MODEL, B))))

    promotions.promote(MODEL, A, **WHY)

    assert state(promotions) == (A, A)
    assert len(promotions.ledger.history(MODEL)) == 1


def test_a_rollback_undoes_the_ledgers_promotion_whatever_the_pointer_says(promotions, settings):
    promotions.promote(MODEL, A, **WHY)
    promotions.promote(MODEL, B, **WHY)
    boto3.client("ssm").delete_parameter(Name=settings.pointer_parameter(MODEL))

    promotions.rollback(MODEL, **WHY)

    assert state(promotions) == (A, A)


def test_a_promotion_during_verification_is_a_conflict(promotions):
    def slow_verify(model, version):
        promotions.promote(MODEL, C, **WHY)
        return verify(model, version)

    slow = Promotions(promotions.registry, promotions.ledger, slow_verify)

    with pytest.raises(PromotionConflictError):
        slow.promote(MODEL, B, **WHY)
    assert state(promotions) == (C, C)


def test_two_concurrent_rollbacks_remove_one_champion(promotions):
    for version in (A, B, C):
        promotions.promote(MODEL, version, **WHY)

    def slow_verify(model, version):
        promotions.rollback(MODEL, **WHY)
        return verify(model, version)

    slow = Promotions(promotions.registry, promotions.ledger, slow_verify)

    with pytest.raises(PromotionConflictError):
        slow.rollback(MODEL, **WHY)
    assert state(promotions) == (B, B)


@pytest.mark.parametrize(("expected", "conflict"), [(A, False), (B, True), ("nonsense", True)])
def test_expected_is_the_champion_that_the_caller_saw(promotions, expected, conflict):
    promotions.promote(MODEL, A, **WHY)

    if conflict:
        with pytest.raises(PromotionConflictError, match=A):
            promotions.promote(MODEL, C, **WHY, expected=expected)
    else:
        promotions.promote(MODEL, C, **WHY, expected=expected)

    assert serving(promotions) == (A if conflict else C)


def test_a_first_promotion_that_expects_a_champion_is_a_conflict(promotions):
    with pytest.raises(PromotionConflictError, match="none yet"):
        promotions.promote(MODEL, A, **WHY, expected=B)


def test_the_challenger_stays_until_it_becomes_the_champion(promotions):
    challenger = {"version": C, "sha256": verify(MODEL, C), "mode": "shadow", "share": 1.0}
    promotions.promote(MODEL, A, **WHY)
    promotions.registry.write_pointer(MODEL, Pointer(VersionRef(A, "0" * 64), challenger))

    promotions.promote(MODEL, B, **WHY)
    challenger_of_b = promotions.registry.pointer(MODEL).challenger
    promotions.promote(MODEL, C, **WHY)

    assert challenger_of_b == challenger
    assert promotions.registry.pointer(MODEL).challenger is None


def test_a_bundle_replaced_after_its_promotion_is_not_promoted_again(promotions, settings):
    promotions.promote(MODEL, A, **WHY)
    manifest = b'{"files": {"model.onnx": {"sha256": "another"}}}'
    key = f"models/{MODEL}/{A}/manifest.json"
    boto3.client("s3").put_object(Bucket=settings.bucket, Key=key, Body=manifest)
    deceived = Promotions(promotions.registry, promotions.ledger, lambda *_: "another")

    with pytest.raises(VersionRefusedError, match="the ledger names"):
        deceived.promote(MODEL, A, **WHY)


@pytest.mark.parametrize("manifest", [b"{", b"[]", b"{}", b'{"files": []}'])
def test_a_version_with_a_broken_manifest_is_refused(promotions, settings, manifest):
    version = "20261129T000000Z-00000009"
    key = f"models/{MODEL}/{version}/manifest.json"
    boto3.client("s3").put_object(Bucket=settings.bucket, Key=key, Body=manifest)

    with pytest.raises(VersionRefusedError):
        promotions.promote(MODEL, version, **WHY)


def test_an_unknown_version_is_not_even_verified(promotions):
    def never(model, version):
        raise AssertionError

    careful = Promotions(promotions.registry, promotions.ledger, never)

    with pytest.raises(VersionNotFoundError):
        careful.promote(MODEL, "20200101T000000Z-00000000", **WHY)
    assert promotions.ledger.head(MODEL) is None


def test_an_entry_is_never_overwritten(promotions, settings):
    promotions.promote(MODEL, A, **WHY)
    table = boto3.resource("dynamodb").Table(settings.ledger_table)
    table.delete_item(
        Key={"model": MODEL, "entry": "head"}
    )  # as if someone tried to restart the ledger

    with pytest.raises(PromotionConflictError):
        promotions.promote(MODEL, B, **WHY)
    assert [e.champion.version for e in promotions.ledger.history(MODEL)] == [A]


def test_an_entry_follows_only_the_head(promotions):
    first = promotions.promote(MODEL, A, **WHY)
    ahead = replace(first, sequence=first.sequence + 1)
    manifest = promotions.registry.manifest(MODEL, B)

    with pytest.raises(PromotionConflictError):
        promotions.replace_champion(MODEL, B, manifest, head=ahead, **WHY)
    assert promotions.ledger.history(MODEL) == [first]


def judged(anchor, low):
    """Part of the manifest of a version that was compared with an anchor."""
    paired = {"difference": {"low": low}}
    return {"anchor": {"version": anchor, "paired": paired, "retired": False}}


@pytest.fixture
def anchors(registry, ledger, publish):
    """Promotions of A, of B that is better, and of C that was compared with A."""
    publish(A)
    publish(B, **judged(A, 0.001))
    publish(C, **judged(A, -0.001))
    return Promotions(registry, ledger, verify)


def test_the_ledger_records_the_best_version_that_served(anchors):
    anchors.promote(MODEL, A, **WHY)
    anchors.promote(MODEL, C, **WHY)
    assert anchors.ledger.head(MODEL).anchor == Anchor(A, 0.79)

    anchors.promote(MODEL, B, **WHY)

    assert anchors.ledger.head(MODEL).anchor == Anchor(B, 0.79)


def test_a_rollback_takes_back_the_anchor_too(anchors):
    for version in (A, B):
        anchors.promote(MODEL, version, **WHY)

    head = anchors.rollback(MODEL, **WHY)

    assert (head.champion.version, head.anchor) == (A, Anchor(A, 0.79))


def test_a_version_that_was_compared_with_a_former_anchor_is_refused_unless_overridden(anchors):
    for version in (A, B):
        anchors.promote(MODEL, version, **WHY)

    with pytest.raises(VersionRejectedError, match=f"anchor: .* best version .* is {B} by now"):
        anchors.promote(MODEL, C, **WHY)

    assert anchors.promote(MODEL, C, **WHY, override=True).override == ("anchor",)


def test_the_champion_is_the_anchor_of_a_ledger_that_recorded_none(anchors, ledger):
    anchors.promote(MODEL, A, **WHY)
    old = replace(ledger.head(MODEL), sequence=2, anchor=None)
    assert ledger.append(MODEL, old)

    head = anchors.promote(MODEL, C, **WHY)

    assert head.anchor == Anchor(A, None)
