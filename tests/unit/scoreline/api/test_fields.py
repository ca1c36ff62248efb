import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoreline.api import operations_requests, scoring_requests
from scoreline.api.fields import FLAG, MODEL, TEXT, Table
from scoreline.core.errors import (
    MAX_FIELDS,
    InvalidApplicationError,
    InvalidRequestError,
    MalformedRequestError,
)

TABLE = Table({"model": MODEL}, {"reason": TEXT})
TABLES = {
    name: value
    for module in (scoring_requests, operations_requests)
    for name, value in vars(module).items()
    if isinstance(value, Table)
} | {f"direct {name}": table for name, table in scoring_requests.DIRECT.items()}
NAMES = sorted({name for table in TABLES.values() for name in (*table.required, *table.optional)})

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**4000),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(NAMES), inner),
    max_leaves=20,
)
BODIES = st.dictionaries(st.sampled_from(NAMES) | st.text(), JSON, max_size=8)


def broken(body, table=TABLE):
    with pytest.raises(InvalidRequestError) as error:
        table.read(body)
    return [(field.field, field.rule) for field in error.value.fields]


def test_good_fields_are_returned():
    assert TABLE.read({"model": "loan-risk"}) == {"model": "loan-risk"}


@pytest.mark.parametrize(
    "value", [None, 1, 1.5, True, [], {}, "", "  ", "a\nb", "x" * 501, "\ud800"]
)
def test_a_wrong_value_breaks_the_rule_and_is_not_named(value):
    assert broken({"model": "loan-risk", "reason": value}) == [
        ("reason", "must be a string of 1 to 500 printable characters")
    ]


def test_all_bad_fields_come_at_once_the_unknown_ones_last():
    assert broken({"resaon": "x", "41 Elm Street": 1}) == [
        ("model", "is required"),
        ("resaon", "is not a field of this request"),
        ("(unnamed)", "is not a field of this request"),
    ]


@pytest.mark.parametrize("body", [None, 1, 1.5, True, "x", [], [{"model": "loan-risk"}]])
def test_a_body_that_is_not_an_object_is_malformed(body):
    with pytest.raises(MalformedRequestError, match="the request is not a JSON object"):
        TABLE.read(body)


def test_a_table_may_be_a_field_of_another_one():
    outer = Table({"verify": TABLE})

    assert outer.read({"verify": {"model": "loan-risk"}})
    assert broken({"verify": 7}, outer) == [("verify", "must be an object")]
    assert broken({"verify": {"mode": 1}}, outer) == [
        ("verify.model", "is required"),
        ("verify.mode", "is not a field of this request"),
    ]


def test_relations_between_fields():
    one = Table(optional={"a": TEXT, "b": TEXT}, exactly_one=("a", "b"))
    few = Table(optional={"a": TEXT, "b": TEXT}, at_most_one=("a", "b"))
    flag = Table(optional={"a": FLAG, "b": TEXT}, needs={"a": "b"})

    assert one.read({"a": "x"})
    assert broken({}, one) == [("a", "exactly one of a and b must be given")]
    assert broken({"a": "x", "b": "x"}, one) == [("a", "exactly one of a and b must be given")]
    assert few.read({"a": "x"})
    assert broken({"a": "x", "b": "x"}, few) == [("b", "only one of a and b may be given")]
    assert flag.read({"a": False})
    assert broken({"a": True}, flag) == [("b", "is required with a")]


@pytest.mark.parametrize("name", ["reason-code", "v1.2", "größe", "_x"])
def test_an_unknown_name_that_looks_like_one_is_shown(name):
    assert broken({"model": "a", name: 1}) == [(name, "is not a field of this request")]


@pytest.mark.parametrize("name", ["", " ", "4711", "a b", "a\n", "\ud800", "x" * 65])
def test_an_unknown_name_that_may_be_a_value_is_not_shown(name):
    assert broken({"model": "a", name: 1}) == [("(unnamed)", "is not a field of this request")]


def test_an_error_names_a_hundred_fields_and_says_that_there_are_more():
    with pytest.raises(InvalidRequestError) as error:
        TABLE.read({f"u{number}": 1 for number in range(100_000)})

    fields = error.value.to_json()["error"]["fields"]
    assert len(fields) == MAX_FIELDS + 1
    assert fields[0] == {"field": "model", "rule": "is required"}
    assert fields[-1] == {"field": "(more)", "rule": "further fields break their rules"}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@settings(max_examples=30)
@given(body=JSON | BODIES)
def test_any_json_value_is_read_or_refused_by_one_small_error(table, body):
    try:
        assert table.read(body, InvalidApplicationError) is body
    except (InvalidApplicationError, MalformedRequestError) as error:
        text = json.dumps(error.to_json())
        assert len(text) < 60_000
        text.encode()


@given(value=st.text(min_size=9, alphabet="QXZ \n") | st.integers(min_value=10**9))
def test_an_error_never_repeats_a_value(value):
    for table in TABLES.values():
        names = [*table.required, *table.optional]
        for body in (dict.fromkeys(names, value), {name: {"a": value} for name in names}):
            rules = str(list(table.problems(body)))
            assert str(value) not in rules
