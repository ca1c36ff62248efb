"""The table `[economics]`."""

import pytest

from scoreline.core.errors import DefinitionError
from scoreline.definition.files import restore_definition
from tests.sample import DEFINITION, definition

KEYS = {
    "currency": '"EUR"',
    "profit_of_a_good": "120",
    "loss_given_default": "0.45",
    "exposure": '"debt"',
}


def with_economics(tmp_path, **changed):
    keys = {**KEYS, **changed}
    lines = "\n".join(f"{key} = {value}" for key, value in keys.items() if value)
    text = DEFINITION.replace("[split]", f"[economics]\n{lines}\n\n[split]")
    return definition(tmp_path, text)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"currency": '"euro"'}, "economics.currency: must be a code of three capital letters"),
        ({"currency": "1"}, "economics.currency: must be a text"),
        ({"currency": ""}, "economics.currency: is needed"),
        ({"exposure": ""}, "economics.exposure: is needed"),
        ({"profit_of_a_good": "0"}, "economics.profit_of_a_good: must be above 0"),
        ({"profit_of_a_good": "true"}, "economics.profit_of_a_good: must be a number, or the name"),
        ({"profit_of_a_good": "inf"}, "economics.profit_of_a_good: "),
        ({"loss_given_default": "1.2"}, "economics.loss_given_default: must be a share from 0"),
        ({"loss_given_default": '""'}, "economics.loss_given_default: must be a number, or the"),
        ({"exposure": "-1"}, "economics.exposure: must be above 0"),
        ({"exposure": "1.1e12"}, "economics.exposure: must be above 0, and at most 1,000,000,000,"),
        ({"exposure": "[1]"}, "economics.exposure: must be a number, or the name of a column"),
        ({"exposure": '"outcome"'}, "economics.exposure: the column has another role"),
        ({"exposure": '"applicant"'}, "economics.exposure: the column has another role"),
        ({"profit_of_a_good": '"debt"'}, "economics.profit_of_a_good: the column is a feature"),
        ({"loss_given_default": '"debt"'}, "economics.loss_given_default: the column is a feature"),
        ({"fee": "1"}, "economics.fee: is not a known key"),
    ],
)
def test_broken_rules_are_named(tmp_path, changed, message):
    with pytest.raises(DefinitionError, match=message):
        with_economics(tmp_path, **changed)


def test_economics_are_recorded_and_change_the_digest(tmp_path):
    found = with_economics(tmp_path)

    assert restore_definition(found.model_dump(mode="json")) == found
    assert found.digest != definition(tmp_path).digest
    assert found.contract() == definition(tmp_path).contract()


def test_a_definition_recorded_without_the_table_keeps_its_digest(tmp_path):
    recorded = definition(tmp_path).model_dump(mode="json")
    del recorded["economics"]

    assert restore_definition(recorded).digest == definition(tmp_path).digest
