"""The table `[split]` of a split by time."""

import pytest

from scoreline.core.errors import DefinitionError
from scoreline.definition.files import restore_definition
from tests.sample import DEFINITION, definition

BY_TIME = 'method = "time"\ncolumn = "day"\n'


def with_split(tmp_path, keys):
    return definition(tmp_path, DEFINITION.replace("test_share = 0.3", keys))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (BY_TIME + "from = 2018-05-01\ntest_share = 0.3", "split.from: is in place of test_share"),
        (BY_TIME + 'from = "1.5.2018"', "split.from: must be a number or a date such as 2018-05"),
        (BY_TIME + "from = true", r"^sample\.toml: split\.from: must be a date or a number$"),
        (BY_TIME + "from = inf", "split.from: must be a date or a number"),
        (BY_TIME + 'format = "%d.%m."', "split.format: must be a format of strptime with a year"),
        (BY_TIME + 'format = "%Q%Y"', "split.format: must be a format of strptime with a year"),
        (BY_TIME + 'format = "%Y%"', "split.format: must be a format of strptime with a year"),
        (BY_TIME + "outcome_window_days = 90", "split.observed_at: is compared with outcome"),
        (BY_TIME + 'observed_at = "seen"', "split.observed_at: is compared with outcome_window"),
        ('from = "2018-05-01"', "split.from: is for the method time"),
        ("outcome_window_days = 90", "split.outcome_window_days: is for the method time"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(tmp_path, keys, message):
    with pytest.raises(DefinitionError, match=message):
        with_split(tmp_path, keys)


def test_a_recorded_definition_keeps_where_it_splits(tmp_path):
    found = with_split(tmp_path, BY_TIME + "from = 2018-05-01")

    recorded = found.model_dump(mode="json")

    assert recorded["split"]["from"] == "2018-05-01"
    assert restore_definition(recorded) == found
    assert restore_definition(recorded).digest == found.digest


def test_the_new_keys_leave_the_digest_of_other_definitions_alone(tmp_path):
    found = with_split(tmp_path, BY_TIME)

    recorded = found.model_dump(mode="json")
    for key in ("from", "format", "outcome_window_days", "observed_at"):
        del recorded["split"][key]
    del recorded["group"]

    assert restore_definition(recorded).digest == found.digest
    assert with_split(tmp_path, BY_TIME + 'format = "%Y"').digest != found.digest


def test_the_group_is_a_column_of_its_own(tmp_path):
    for group, message in (
        ("applicant", "group: the column is the id as well"),
        ("debt", "group: the column is a feature as well"),
    ):
        text = DEFINITION.replace('id = "applicant"', f'id = "applicant"\ngroup = "{group}"')
        with pytest.raises(DefinitionError, match=message):
            definition(tmp_path, text)
