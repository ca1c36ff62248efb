import json

import boto3
import pytest

from scoreline.aws.ledger import Ledger
from scoreline.core.errors import RoutingConflictError
from scoreline.core.versions import Pointer, Routing, VersionRef
from scoreline.governance.routing import RoutingEntry, Routings
from tests.functional.admin.conftest import A

ADA = "arn:aws:iam::123456789012:user/ada.example"
BEFORE = {"default": "loan-risk", "banks": {"north": "credit-card"}}


@pytest.fixture(autouse=True)
def promoted(registry):
    """Two models have a champion, and a third one has versions only."""
    for model in ("loan-risk", "credit-card"):
        registry.write_pointer(model, Pointer(VersionRef(A, "0" * 64)))


@pytest.fixture
def put(call, rest_event):
    def put(**body):
        return call(rest_event("PUT", "/routing", body={"reason": "asked for", **body}))

    return put


@pytest.fixture
def shown(call, load_event):
    return lambda: call(load_event("routing"))[1]


def test_before_the_first_change_the_parameter_is_shown(shown):
    assert shown() == {**BEFORE, "sequence": 0, "differs_from_ledger": False, "history": []}


def test_a_change_writes_the_parameter_and_records_who_and_why(call, load_event, registry, shown):
    status, entry = call(load_event("put-routing"))

    after = {
        "default": "loan-risk",
        "banks": {"north-bank": "credit-card", "south-bank": "loan-risk"},
    }
    assert status == 200
    assert registry.routing() == Routing(**after)
    assert entry.pop("at").startswith("20")
    assert entry == {
        "sequence": 1,
        "action": "route",
        "from": BEFORE,
        "to": after,
        "who": ADA,
        "reason": "South Bank joins",
    }
    assert {**shown()["history"][0], "at": ""} == {**entry, "at": ""}


def test_every_broken_rule_is_named_and_nothing_changes(call, load_event, registry):
    status, body = call(load_event("put-routing-bad-fields"))

    assert (status, body["error"]["code"]) == (422, "invalid_request")
    assert {f["field"] for f in body["error"]["fields"]} == {
        "default",
        "banks",
        "reason",
        "expected",
    }
    assert "North Bank" not in json.dumps(body)
    assert registry.routing() == Routing(**BEFORE)


@pytest.mark.parametrize("bank", ["", "North", "north bank", "x" * 65, "default", "-north", "ä"])
def test_names_of_banks_follow_a_rule(put, bank):
    status, body = put(default="loan-risk", banks={bank: "loan-risk"})

    assert status == 422
    assert [f["field"] for f in body["error"]["fields"]] == ["banks"]


def test_more_banks_than_a_parameter_holds_are_refused(put):
    banks = {f"bank-number-{n:04}": "loan-risk" for n in range(130)}

    assert put(default="loan-risk", banks=banks)[0] == 422
    assert put(default="loan-risk", banks=dict(list(banks.items())[:100]))[0] == 200


def test_only_promoted_models_may_answer(put, publish, registry):
    publish(A, model="german-credit")

    status, body = put(default="no-such", banks={"west": "german-credit", "east": "loan-risk"})

    assert status == 422
    assert [f["field"] for f in body["error"]["fields"]] == ["default", "banks.west"]
    assert registry.routing() == Routing(**BEFORE)


def test_a_change_of_an_outdated_routing_is_a_conflict_that_names_the_latest_number(put, registry):
    put(default="loan-risk", banks={}, expected=0)

    status, body = put(default="credit-card", banks={}, expected=0)

    assert (status, body["error"]["code"]) == (409, "routing_conflict")
    assert "number 1" in body["error"]["message"]
    assert registry.routing().default == "loan-risk"
    assert put(default="credit-card", banks={}, expected=1)[0] == 200


def test_a_repeated_change_adds_no_entry_and_undoes_a_manual_change(put, registry, shown):
    put(default="credit-card", banks={})
    registry.write_routing(Routing("loan-risk", {}))
    assert shown()["differs_from_ledger"]

    put(default="credit-card", banks={})

    assert registry.routing() == Routing("credit-card", {})
    assert [entry["sequence"] for entry in shown()["history"]] == [1]


def test_an_invalid_parameter_is_shown_as_missing_and_replaced(put, settings, shown):
    boto3.client("ssm").put_parameter(
        Name=settings.routing_parameter, Value="{", Type="String", Overwrite=True
    )
    assert shown()["default"] is None

    status, entry = put(default="loan-risk", banks={})

    assert (status, entry["from"]) == (200, None)
    assert shown()["default"] == "loan-risk"


def test_one_of_two_changes_of_the_same_head_wins(registry, settings):
    class Late(Ledger):
        """The head as it was before the other change."""

        def head(self, _subject):
            return None

    def change(kind, default, who):
        ledger, routing = kind.connect(settings, RoutingEntry), Routing(default, {})
        Routings(registry, ledger).change(routing, who=who, reason="first")

    change(Ledger, "credit-card", "ada")

    with pytest.raises(RoutingConflictError, match="came first"):
        change(Late, "loan-risk", "bob")

    assert registry.routing().default == "credit-card"


def test_entries_of_the_routing_are_not_models(put, call, load_event):
    put(default="loan-risk", banks={"south": "credit-card"})

    _, config = call(load_event("config"))

    assert set(config["models"]) == {"loan-risk", "credit-card"}
    assert config["banks"] == {"south": "credit-card"}
