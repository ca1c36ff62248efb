"""A record is what the standard library's frozen dataclass is."""

from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, is_dataclass, replace
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from scoreline.core.record import record


def shape(kind):
    @kind
    class Amount:
        """An amount of a currency."""

        CENTS: ClassVar[int] = 100
        value: float
        currency: str = "EUR"
        notes: dict[str, int] = field(default_factory=dict)

        @property
        def cents(self) -> float:
            return self.value * self.CENTS

    return Amount


Ours, Theirs = shape(record), shape(dataclass(frozen=True, slots=True))
VALUES = st.tuples(st.floats(allow_nan=False), st.sampled_from(["EUR", "USD"]))


@given(VALUES, VALUES)
def test_a_record_compares_prints_and_copies_as_a_dataclass(one, other):
    ours, theirs = [Ours(*v) for v in (one, other)], [Theirs(*v) for v in (one, other)]

    assert (ours[0] == ours[1]) == (theirs[0] == theirs[1])
    assert ours[0] != theirs[0]
    assert [repr(o) for o in ours] == [repr(t) for t in theirs]
    assert asdict(ours[0]) == asdict(theirs[0])
    assert asdict(replace(ours[0], value=2.5)) == asdict(replace(theirs[0], value=2.5))
    assert ours[0].cents == theirs[0].cents


def test_a_record_describes_itself_as_a_dataclass():
    assert is_dataclass(Ours)
    assert [f.name for f in fields(Ours)] == [f.name for f in fields(Theirs)]
    assert Ours.__match_args__ == Theirs.__match_args__
    assert Ours.__slots__ == Theirs.__slots__


def test_equal_records_have_the_same_hash():
    @record
    class Pair:
        one: int
        two: int

    assert len({Pair(1, 2), Pair(two=2, one=1), Pair(2, 1)}) == 2


def test_defaults_are_made_anew():
    one, other = Ours(1.0), Ours(1.0)

    one.notes["x"] = 1

    assert (one.currency, other.notes) == ("EUR", {})


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((), {}), ((1.0, "EUR", {}, 4), {}), ((1.0,), {"value": 2.0}), ((1.0,), {"colour": "red"})],
)
def test_arguments_that_do_not_fit_are_refused_as_by_a_dataclass(arguments, named):
    for kind in (Ours, Theirs):
        with pytest.raises(TypeError):
            kind(*arguments, **named)


def test_a_record_does_not_change():
    amount = Ours(1.0)
    with pytest.raises(FrozenInstanceError):
        amount.value = 2.0
    with pytest.raises(FrozenInstanceError):
        del amount.value


def test_pydantic_reads_a_record():
    assert TypeAdapter(Ours).validate_python({"value": 1.5}) == Ours(1.5)
    with pytest.raises(ValidationError):
        TypeAdapter(Ours).validate_python({"currency": "EUR"})
