import pytest

from functions.admin.handler import lambda_handler
from scoreline.aws.ledger import Ledger
from scoreline.core.errors import DefinitionConflictError, DefinitionError, ModelNotFoundError
from scoreline.core.versions import digest
from scoreline.definition.files import MAX_BYTES, read_shipped, shipped_models
from scoreline.governance.definitions import Definitions, Registration

pytestmark = pytest.mark.usefixtures("aws")

MODEL = "loan-risk"
SHIPPED = read_shipped(MODEL)
CHANGED = SHIPPED + "\n# changed\n"
ROUTE = "/models/{model}/definition"
ADA = "arn:aws:iam::123456789012:user/ada.example"


@pytest.fixture
def definitions(registry, settings):
    return Definitions(registry, Ledger.connect(settings, Registration))


@pytest.fixture
def put(call, rest_event):
    def put(model=MODEL, **body):
        return call(rest_event("PUT", ROUTE, {"model": model}, body))

    return put


@pytest.fixture
def get(call, rest_event):
    return lambda model=MODEL: call(rest_event("GET", ROUTE, {"model": model}))


def test_a_registration_is_kept_with_who_and_why(put, get):
    status, answer = put(definition=SHIPPED, reason="first")

    assert status == 200
    assert answer.pop("at").startswith("20")
    assert answer == {
        "model": MODEL,
        "sequence": 1,
        "action": "define",
        "sha256": digest(SHIPPED.encode()),
        "who": ADA,
        "reason": "first",
    }
    put(definition=CHANGED, expected=1)
    status, shown = get()
    assert (status, shown["definition"], shown["sha256"]) == (
        200,
        CHANGED,
        digest(CHANGED.encode()),
    )
    assert [entry["reason"] for entry in shown["history"]] == ["no reason given", "first"]


def test_the_same_text_again_adds_no_entry(put, get):
    put(definition=SHIPPED)
    assert put(definition=SHIPPED)[1]["sequence"] == 1
    assert len(get()[1]["history"]) == 1


def test_an_earlier_text_can_be_registered_again(put):
    for number, text in enumerate([SHIPPED, CHANGED, SHIPPED], 1):
        assert put(definition=text)[1]["sequence"] == number


@pytest.mark.parametrize(
    ("body", "status", "code", "part"),
    [
        ({"definition": "name = 1 ="}, 422, "invalid_definition", "not valid TOML"),
        ({"definition": "name = 'loan-risk'"}, 422, "invalid_definition", "description"),
        ({"definition": read_shipped("credit-card")}, 422, "invalid_definition", "file's name"),
        ({"definition": "x = " + "[" * 5_000}, 422, "invalid_definition", "loan-risk.toml"),
        ({"definition": "x" * (MAX_BYTES + 1)}, 422, "invalid_request", "fields"),
        ({"definition": "ä" * (MAX_BYTES // 2 + 1)}, 422, "invalid_request", "fields"),
        ({"definition": "# \ud800"}, 422, "invalid_request", "fields"),
        ({"definition": 7}, 422, "invalid_request", "fields"),
        ({}, 422, "invalid_request", "fields"),
        ({"definition": SHIPPED, "expected": 3}, 409, "definition_conflict", "number 0"),
    ],
)
def test_what_breaks_a_rule_is_not_registered(put, get, body, status, code, part):
    answered, answer = put(**body)

    assert (answered, answer["error"]["code"]) == (status, code)
    assert part in answer["error"]["message"]
    assert get()[0] == 404


def test_names_that_no_model_can_have_are_not_found(put, get):
    assert put(model="../x", definition=SHIPPED)[0] == 404
    assert get(model="#definition loan-risk")[0] == 404


def test_training_follows_what_is_registered(definitions):
    shipped = definitions.load(MODEL).description
    other = SHIPPED.replace(shipped, "Another purpose")

    definitions.register(MODEL, other, who="ada", reason="new")

    assert definitions.load(MODEL).description == "Another purpose"


def test_a_model_that_does_not_ship_is_trained_by_its_registered_definition(definitions):
    with pytest.raises(DefinitionError, match="no definition for this model"):
        definitions.load("car-loans")

    own = SHIPPED.replace('name = "loan-risk"', 'name = "car-loans"')
    definitions.register("car-loans", own, who="ada", reason="new")

    assert definitions.load("car-loans").name == "car-loans"


def test_a_file_that_was_changed_in_s3_is_refused(definitions, registry, settings):
    head = definitions.register(MODEL, SHIPPED, who="ada", reason="first")
    key = f"definitions/{MODEL}/{head.sha256}.toml"
    registry.s3.put_object(Bucket=settings.bucket, Key=key, Body=CHANGED.encode())

    with pytest.raises(DefinitionError, match="not the one that was registered"):
        definitions.load(MODEL)
    registry.s3.delete_object(Bucket=settings.bucket, Key=key)
    with pytest.raises(DefinitionError, match="not the one that was registered"):
        definitions.show(MODEL)


def test_one_of_two_registrations_at_the_same_time_is_told(definitions, monkeypatch):
    other = Registration(sequence=1, sha256="0" * 64, who="bob", reason="his", at="2026-11-27")
    monkeypatch.setattr(
        definitions.registry,
        "keep_definition",
        lambda *_: definitions.ledger.append(f"#definition {MODEL}", other),
    )
    with pytest.raises(DefinitionConflictError, match="came first"):
        definitions.register(MODEL, SHIPPED, who="ada", reason="mine")


def test_those_that_ship_are_registered_once_and_replace_nothing(definitions):
    definitions.register(MODEL, CHANGED, who="ada", reason="own")

    definitions.register_shipped()
    definitions.register_shipped()

    assert definitions.show(MODEL)["definition"] == CHANGED
    for model in set(shipped_models()) - {MODEL}:
        [entry] = definitions.show(model)["history"]
        assert (entry["who"], entry["reason"]) == ("scoreline", "ships with Scoreline")
    with pytest.raises(ModelNotFoundError):
        definitions.show("car-loans")


def test_the_schedule_registers_those_that_ship(definitions, load_event, lambda_context):
    lambda_handler(load_event("schedule"), lambda_context)

    assert definitions.show(MODEL)["history"]


def test_the_events_of_the_routes(call, load_event):
    assert call(load_event("definition"))[0] == 404

    status, answer = call(load_event("put-definition"))

    assert (status, answer["model"], answer["reason"]) == (200, "credit-card", "wider age range")
