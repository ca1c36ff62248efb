import json

from scoreline.core.versions import Pointer, Routing, VersionRef

VERSION = "20261121T004512Z-0000000a"


def test_banks_are_routed_and_unrouted_by_name(scoreline, registry):
    registry.write_pointer("german-credit", Pointer(VersionRef(VERSION, "0" * 64)))
    registry.write_pointer("loan-risk", Pointer(VersionRef(VERSION, "0" * 64)))
    registry.write_routing(Routing("loan-risk", {"north": "loan-risk"}))

    assert scoreline("route", "default", "german-credit").exit_code == 0
    assert scoreline("unroute", "north").exit_code == 0
    assert scoreline("route", "hill-bank", "german-credit", "--reason", "joins").exit_code == 0

    assert registry.routing() == Routing("german-credit", {"hill-bank": "german-credit"})
    assert "hill-bank" in scoreline("routes").output
    assert json.loads(scoreline("routes", "--json").stdout)["banks"] == {
        "hill-bank": "german-credit"
    }
    assert "names a model" in str(scoreline("route", "x", "no-model").exception.fields)
    assert "no model is routed" in str(scoreline("unroute", "unknown").exception)
