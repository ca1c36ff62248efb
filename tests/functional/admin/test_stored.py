"""Ledgers, pointers and routings that were written at commit 65e50d6 are read and continued.

`tests/stored/governance.json` holds them as DynamoDB and SSM keep them.
"""

import json
from pathlib import Path

import boto3
import pytest

from scoreline.aws.ledger import Ledger
from scoreline.core.versions import Pointer, Routing, VersionRef, Watch, digest
from scoreline.governance.entry import champion_before
from scoreline.governance.promotion import Promotions
from scoreline.governance.routing import SUBJECT, RoutingEntry, Routings
from tests.functional.admin.conftest import MODEL, A, B, C, onnx

STORED = json.loads((Path(__file__).parents[2] / "stored" / "governance.json").read_text())
ADA, BEA = (f"arn:aws:iam::123456789012:user/{name}.example" for name in ("ada", "bea"))


def ref(version):
    return VersionRef(version, digest(onnx(version)))


@pytest.fixture
def stored(aws, settings):
    dynamodb, ssm = boto3.client("dynamodb"), boto3.client("ssm")
    for item in STORED["ledger"]:
        dynamodb.put_item(TableName=settings.ledger_table, Item=item)
    for name, value in (
        (settings.pointer_parameter(MODEL), STORED["pointers"]["rolled back"]),
        (settings.routing_parameter, STORED["routing"]),
    ):
        ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)


@pytest.fixture
def routing_ledger(settings):
    return Ledger.connect(settings, RoutingEntry)


def test_a_stored_ledger_is_read(stored, ledger):
    entries = ledger.history(MODEL)

    assert [(e.sequence, e.action, e.previous, e.champion, e.who) for e in entries] == [
        (1, "promote", None, ref(A), BEA),
        (2, "promote", A, ref(B), ADA),
        (3, "promote", B, ref(C), BEA),
        (4, "confirm", B, ref(C), "scoreline"),
        (5, "rollback", C, ref(B), BEA),
    ]
    assert entries[1].override == ("calibration", "approval")
    assert entries[1].watch == Watch(2, "2026-11-27T07:52:54+00:00", ref(A))
    assert [e.pointer_writes for e in entries] == [0, 2, 3, 4, 5]
    assert ledger.head(MODEL) == entries[-1]
    assert champion_before(entries) == ref(A)


def test_a_stored_ledger_is_continued(stored, ledger, registry, publish):
    publish(A, B, C)
    promotions = Promotions(registry, ledger, lambda _, version: digest(onnx(version)))

    promotions.rollback(MODEL, who=ADA, reason="drifts too")

    head = ledger.head(MODEL)
    assert (head.sequence, head.previous, head.champion) == (6, B, ref(A))
    assert registry.pointer(MODEL) == Pointer(ref(A))


@pytest.mark.parametrize("subject", [MODEL, SUBJECT])
def test_an_entry_is_stored_in_the_same_form(stored, settings, ledger, routing_ledger, subject):
    table = boto3.resource("dynamodb").Table(settings.ledger_table)
    entries = {MODEL: ledger, SUBJECT: routing_ledger}[subject].history(subject)

    for entry in entries:
        key = {"model": subject, "entry": f"{entry.sequence:012d}"}
        assert table.get_item(Key=key)["Item"] == key | entry.to_item()


def test_a_stored_routing_is_read_and_continued(stored, registry, routing_ledger):
    before = Routing("loan-risk", {"north": "loan-risk", "south": "credit-card"})
    entries = routing_ledger.history(SUBJECT)
    assert [(e.sequence, e.who, e.reason) for e in entries] == [
        (1, ADA, "North joins"),
        (2, BEA, "South joins"),
    ]
    assert entries[1].routing == registry.routing() == before

    routings = Routings(registry, routing_ledger)
    registry.write_pointer("loan-risk", Pointer(ref(A)))
    after = routings.change(Routing("loan-risk", {}), who=ADA, reason="all leave", expected=2)

    assert (after["sequence"], after["from"]["banks"]) == (3, before.banks)
    assert registry.routing() == Routing("loan-risk", {})


CHALLENGER = {"version": C, "sha256": ref(C).sha256, "mode": "shadow", "share": 1.0}
POINTERS = {
    "first champion": Pointer(ref(A)),
    "with a challenger": Pointer(ref(A), CHALLENGER),
    "with a challenger and a watch": Pointer(
        ref(B), CHALLENGER, Watch(2, "2026-11-27T07:52:54+00:00", ref(A))
    ),
    "with a watch": Pointer(ref(C), None, Watch(3, "2026-11-27T07:52:55+00:00", ref(B))),
    "confirmed": Pointer(ref(C)),
    "rolled back": Pointer(ref(B)),
}


@pytest.mark.parametrize("name", STORED["pointers"])
def test_a_stored_pointer_is_read_and_written_in_the_same_form(name):
    stored = STORED["pointers"][name]

    assert Pointer.from_json(stored) == POINTERS[name]
    assert POINTERS[name].to_json() == stored
