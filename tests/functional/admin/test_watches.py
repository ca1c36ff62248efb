"""The watch after a promotion, from its start to its end, even if the admin function is killed."""

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from functions.admin.handler import lambda_handler
from scoreline.aws.items import Items
from scoreline.aws.registry import ModelRegistry
from scoreline.core.errors import (
    PointerInvalidError,
    PromotionConflictError,
    RegistryUnavailableError,
)
from scoreline.core.versions import Pointer, VersionRef, Watch, digest
from scoreline.governance.entry import SERVICE
from scoreline.governance.promotion import Promotions
from scoreline.governance.watches import Watches
from tests.functional.admin.conftest import MODEL, A, B, C, onnx

WATCH = {"minutes": 60, "max_error_rate": 0.02, "max_score_drift": 0.25, "min_decisions": 100}
WHY = {"who": "bea", "reason": "approved"}
GOOD = {"decisions": 150, "compared": 150, "champion 0": 150, "shadow 0": 150}
DRIFTS = {**GOOD, "shadow 0": 0, "shadow 4": 150, "difference": -6000}
FAILS = {"decisions": 90, "errors": 10}


def verify(_model, version):
    return digest(onnx(version))


def ref(version):
    return VersionRef(version, digest(onnx(version)))


class Crashing(ModelRegistry):
    """Fails instead of writing a pointer."""

    def write_pointer(self, model, pointer):
        raise RegistryUnavailableError("killed")


@pytest.fixture
def promotions(registry, ledger, publish):
    publish(A, B, C, watch=WATCH)
    return Promotions(registry, ledger, verify)


@pytest.fixture
def now():
    """The clock of the watches; `shift` sets it forward."""

    class Now:
        shift = timedelta()

        def __call__(self):
            return datetime.now(UTC) + self.shift

    return Now()


@pytest.fixture
def table(aws, settings):
    return boto3.resource("dynamodb").Table(settings.watches_table)


@pytest.fixture
def items(aws):
    return Items.connect()


@pytest.fixture
def watches(promotions, items, now):
    return Watches(promotions, items, now)


@pytest.fixture
def count(table):
    """Set what predict has counted in the watch that an entry began."""

    def count(entry, counts):
        table.put_item(Item={"model": MODEL, "entry": f"{entry:012d}", **counts})

    return count


@pytest.fixture
def watched(promotions):
    """B serves and is compared with A."""
    promotions.promote(MODEL, A, **WHY)
    return promotions.promote(MODEL, B, **WHY)


@pytest.fixture
def dying(settings, ledger, items, now):
    """Watches that are killed between ledger and pointer."""
    return Watches(Promotions(Crashing.connect(settings), ledger, verify), items, now)


def actions(promotions):
    return [(e.action, e.champion.version, e.who) for e in promotions.ledger.history(MODEL)]


def test_the_champion_before_is_the_shadow_until_the_watch_ends(watched, registry):
    watch = registry.pointer(MODEL).watch

    assert (watch.entry, watch.shadow) == (2, ref(A))
    until = datetime.fromisoformat(watch.until)
    assert until - datetime.fromisoformat(watched.at) == timedelta(minutes=60)


def test_the_first_champion_is_not_watched(promotions, registry):
    promotions.promote(MODEL, A, **WHY)

    assert registry.pointer(MODEL).watch is None


@pytest.mark.parametrize("manifest", [{}, {"watch": {**WATCH, "minutes": 0}}])
def test_without_minutes_there_is_no_watch(registry, ledger, publish, manifest):
    publish(A, B, **manifest)
    promotions = Promotions(registry, ledger, verify)
    for version in (A, B):
        promotions.promote(MODEL, version, **WHY)

    assert registry.pointer(MODEL).watch is None


def test_a_challenger_set_by_hand_stays_during_the_watch(promotions, registry):
    challenger = {"version": C, "sha256": "0" * 64, "mode": "shadow"}
    promotions.promote(MODEL, A, **WHY)
    registry.write_pointer(MODEL, Pointer(ref(A), challenger))

    promotions.promote(MODEL, B, **WHY)

    assert registry.pointer(MODEL).challenger == challenger
    assert registry.pointer(MODEL).watch.shadow == ref(A)


@pytest.mark.parametrize(
    ("counts", "figures"),
    [
        (DRIFTS, ["score drift", "is over 0.25", "150 decisions", "mean difference -40.0 points"]),
        (FAILS, ["error rate 10.0% is over 2.0%", "90 decisions"]),
    ],
)
def test_a_champion_that_breaks_a_limit_is_rolled_back_and_the_ledger_says_why(
    watched, watches, promotions, registry, count, counts, figures
):
    count(2, counts)

    watches.check()

    assert registry.pointer(MODEL) == Pointer(ref(A))
    head = promotions.ledger.head(MODEL)
    assert (head.action, head.previous, head.who) == ("rollback", B, SERVICE)
    assert all(figure in head.reason for figure in figures), head.reason


def test_a_good_champion_is_watched_until_it_is_confirmed(
    watched, watches, promotions, registry, count, now
):
    count(2, GOOD)

    watches.check()
    assert registry.pointer(MODEL).watch is not None
    now.shift = timedelta(minutes=61)
    watches.check()
    watches.check()

    assert registry.pointer(MODEL) == Pointer(ref(B))
    assert actions(promotions)[1:] == [("promote", B, "bea"), ("confirm", B, SERVICE)]
    reason = promotions.ledger.head(MODEL).reason
    assert reason.startswith("watched for 60 minutes: 150 decisions, error rate 0.0%")


def test_a_confirmation_says_if_there_were_too_few_decisions(
    watched, watches, promotions, count, now
):
    count(2, {"decisions": 99})
    now.shift = timedelta(minutes=61)

    watches.check()

    reason = promotions.ledger.head(MODEL).reason
    assert reason == "watched for 60 minutes: 99 decisions, error rate 0.0%; too few to judge"


def test_a_rollback_after_a_confirmation_returns_to_the_champion_before(
    watched, watches, promotions, now
):
    now.shift = timedelta(minutes=61)
    watches.check()

    assert promotions.rollback(MODEL, **WHY).champion.version == A
    with pytest.raises(PromotionConflictError):
        promotions.rollback(MODEL, **WHY)


def test_a_rollback_by_a_person_ends_the_watch(watched, watches, promotions, registry, count):
    promotions.rollback(MODEL, **WHY)
    count(2, DRIFTS)

    watches.check()

    assert registry.pointer(MODEL) == Pointer(ref(A))
    assert len(actions(promotions)) == 3


def test_the_next_promotion_begins_a_new_watch(watched, watches, promotions, registry, count):
    count(2, DRIFTS)

    promotions.promote(MODEL, C, **WHY)
    watches.check()

    watch = registry.pointer(MODEL).watch
    assert (watch.entry, watch.shadow) == (3, ref(B))
    assert actions(promotions)[-1] == ("promote", C, "bea")


def test_promoting_the_watched_champion_again_keeps_its_watch(watched, promotions, registry):
    watch = registry.pointer(MODEL).watch

    promotions.promote(MODEL, B, **WHY)

    assert registry.pointer(MODEL).watch == watch


@pytest.mark.parametrize(
    ("counts", "minutes", "champion"),
    [(DRIFTS, 0, A), (GOOD, 61, B)],
    ids=["rolled back", "confirmed"],
)
def test_a_failure_between_ledger_and_pointer_is_repaired_by_the_next_check(
    watched, watches, dying, promotions, registry, count, now, counts, minutes, champion
):
    count(2, counts)
    now.shift = timedelta(minutes=minutes)

    dying.check()
    assert registry.pointer(MODEL).champion == ref(B)
    assert registry.pointer(MODEL).watch is not None
    watches.check()

    assert registry.pointer(MODEL) == Pointer(ref(champion))
    assert len(actions(promotions)) == 3


def test_a_promotion_that_failed_and_is_repeated_is_watched(promotions, settings, ledger, registry):
    promotions.promote(MODEL, A, **WHY)
    with pytest.raises(RegistryUnavailableError):
        Promotions(Crashing.connect(settings), ledger, verify).promote(MODEL, B, **WHY)

    promotions.promote(MODEL, B, **WHY)

    assert registry.pointer(MODEL).watch.entry == 2


@pytest.mark.parametrize("keeps_watch", [True, False])
def test_a_champion_that_was_set_by_hand_is_not_judged(
    watched, watches, promotions, registry, count, keeps_watch
):
    pointer = Pointer(ref(C), None, registry.pointer(MODEL).watch if keeps_watch else None)
    registry.write_pointer(MODEL, pointer)
    count(2, DRIFTS)

    watches.check()

    assert registry.pointer(MODEL) == pointer
    assert len(actions(promotions)) == 2


def test_an_old_watch_restored_by_hand_changes_nothing(watched, watches, promotions, registry):
    old = registry.pointer(MODEL)
    promotions.rollback(MODEL, **WHY)
    registry.write_pointer(MODEL, old)

    watches.check()

    assert registry.pointer(MODEL) == old


def test_two_concurrent_checks_roll_back_once(watched, watches, promotions, items, count, registry):
    count(2, DRIFTS)

    def slow_verify(model, version):
        watches.check()
        return verify(model, version)

    Watches(Promotions(registry, promotions.ledger, slow_verify), items).check()

    assert registry.pointer(MODEL) == Pointer(ref(A))
    assert [action for action, *_ in actions(promotions)] == ["promote", "promote", "rollback"]


def test_a_promotion_while_the_watch_is_judged_wins(watched, promotions, registry, items, count):
    count(2, DRIFTS)

    def slow_verify(model, version):
        promotions.promote(MODEL, C, **WHY)
        return verify(model, version)

    Watches(Promotions(registry, promotions.ledger, slow_verify), items).check()

    assert registry.pointer(MODEL).champion == ref(C)
    assert promotions.ledger.head(MODEL).champion == ref(C)


def test_a_model_that_cannot_be_judged_does_not_stop_the_others(
    watched, watches, registry, publish, ledger, count, settings
):
    publish(A, B, model="a-first-one", watch={"minutes": 60})
    other = Promotions(registry, ledger, verify)
    for version in (A, B):
        other.promote("a-first-one", version, **WHY)
    count(2, DRIFTS)

    watches.check()

    assert registry.pointer(MODEL).champion == ref(A)
    assert registry.pointer("a-first-one").champion == ref(B)


def test_the_schedule_checks_the_watches(
    watched, verified, registry, count, load_event, lambda_context
):
    count(2, DRIFTS)
    verified(A)

    assert lambda_handler(load_event("schedule"), lambda_context) is None

    assert registry.pointer(MODEL).champion == ref(A)


def test_without_a_watch_a_check_reads_only_the_pointers(promotions):
    promotions.promote(MODEL, A, **WHY)

    Watches(Promotions(promotions.registry, None, None), None).check()


def test_the_route_shows_the_state_of_the_watch_and_its_end(
    watched, watches, count, call, load_event
):
    count(2, {**DRIFTS, "squared_difference": 240_000})

    _, before = call(load_event("watch"))
    watches.check()
    status, after = call(load_event("watch"))

    assert (status, after["model"]) == (200, MODEL)
    assert (before["watch"]["state"], after["watch"]["state"]) == ("open", "rolled back")
    assert (after["watch"]["version"], after["watch"]["shadow"]) == (B, A)
    assert after["watch"]["limits"] == WATCH
    figures = after["watch"]["figures"]
    assert (figures["mean_difference"], figures["difference_sd"]) == (-40, 0)
    assert figures["score_drift"] > 5


def test_config_shows_an_open_watch(watched, call, load_event):
    _, body = call(load_event("config"))

    assert body["models"][MODEL]["watch"]["shadow"] == {"version": A, "sha256": verify(MODEL, A)}


def test_a_model_that_was_never_watched_has_no_watch(promotions, call, load_event):
    promotions.promote(MODEL, A, **WHY)

    assert call(load_event("watch")) == (200, {"model": MODEL, "watch": None})


@pytest.mark.parametrize(
    "watch", ["soon", {"entry": 1}, {"entry": 1, "until": "2026-11-21T01:00:00", "shadow": {}}]
)
def test_a_pointer_with_an_invalid_watch_is_invalid(watch):
    champion = {"version": A, "sha256": "0" * 64}

    with pytest.raises(PointerInvalidError):
        Pointer.from_json(json.dumps({"champion": champion, "watch": watch}))


def test_a_pointer_reads_back_as_it_was_written():
    pointer = Pointer(ref(B), None, Watch(2, "2026-11-21T01:00:00+00:00", ref(A)))

    assert Pointer.from_json(pointer.to_json()) == pointer
