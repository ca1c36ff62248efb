import pytest

from scoreline.api.fields import MODEL, TEXT, optional, read_fields
from scoreline.core.errors import InvalidRequestError

FIELDS = {"model": MODEL, "reason": optional(TEXT)}


def test_good_fields_are_returned():
    assert read_fields({"model": "loan-risk"}, FIELDS) == {"model": "loan-risk"}


@pytest.mark.parametrize(
    "value", [None, 1, 1.5, True, [], {}, "", "  ", "a\nb", "x" * 501, "\ud800"]
)
def test_a_wrong_value_breaks_the_rule_and_is_not_named(value):
    with pytest.raises(InvalidRequestError) as error:
        read_fields({"model": "loan-risk", "reason": value}, FIELDS)

    [field] = error.value.fields
    assert field.field == "reason"
    assert field.rule == "expected a string of 1 to 500 printable characters"


def test_all_bad_fields_come_at_once():
    with pytest.raises(InvalidRequestError) as error:
        read_fields({"model": "LOAN", "reson": "x", "41 Elm Street": 1}, FIELDS)

    assert [f.field for f in error.value.fields] == ["reson", "(unnamed)", "model"]
