"""Whatever a parameter holds, it is a pointer or a routing, or one named error."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scoreline.core.errors import PointerInvalidError
from scoreline.core.json_text import read_json
from scoreline.core.versions import Pointer, Routing, VersionRef, Watch

REF = {"version": "20260101T000000Z-0123abcd", "sha256": "a" * 64}
WATCH = {"entry": 1, "until": "2031-01-01T00:00:00+00:00", "shadow": REF}
POINTER = {"champion": REF, "challenger": None, "watch": WATCH}
ROUTING = {"default": "loan-risk", "banks": {"north": "credit-card"}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@st.composite
def damaged(draw, whole):
    """The document with one value, at any depth, replaced or left out."""
    document = json.loads(json.dumps(whole))
    place = document
    while True:
        key = draw(st.sampled_from(sorted(place)))
        if isinstance(place[key], dict) and place[key] and draw(st.booleans()):
            place = place[key]
            continue
        if draw(st.booleans()):
            place[key] = draw(JSON)
        else:
            del place[key]
        return json.dumps(document)


@pytest.mark.parametrize(("read", "whole"), [(Pointer, POINTER), (Routing, ROUTING)])
def test_any_text_is_read_or_refused_by_name(read, whole):
    @given(st.text() | JSON.map(json.dumps) | damaged(whole))
    @example('{"champion": ' + "[" * 100_000)
    @example("1e999")
    @example("9" * 10_000)
    @example("\ud800")
    def reads(text):
        try:
            found = read.from_json(text)
        except PointerInvalidError:
            return
        assert read.from_json(found.to_json()) == found

    reads()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("entry", float("inf")),
        ("entry", 0.5),
        ("entry", -1),
        ("entry", 10**12),
        ("entry", "1"),
        ("until", "0001-01-01T00:00:00+23:59"),
        ("until", "2031-01-01T00:00:00"),
        ("until", 5),
        ("shadow", {"version": 1, "sha256": None}),
        ("shadow", {**REF, "sha256": "a" * 63}),
        ("shadow", 5),
    ],
)
def test_a_pointer_with_a_spoilt_watch_is_refused(field, value):
    with pytest.raises(PointerInvalidError):
        Pointer.from_json(json.dumps({**POINTER, "watch": {**WATCH, field: value}}))


def test_a_pointer_is_read_as_it_was_written():
    ref = VersionRef(**REF)
    pointer = Pointer(ref, None, Watch(1, WATCH["until"], ref))

    assert Pointer.from_json(pointer.to_json()) == pointer


@pytest.mark.parametrize("text", ["1e999", "NaN", "-Infinity", "[" * 100_000, "", "{", b"\xff"])
def test_what_is_not_json_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        read_json(text)
