"""The ledger table: which refused writes are conflicts."""

import pytest
from botocore.stub import Stubber

from scoreline.aws.ledger import Ledger
from scoreline.core.errors import RegistryUnavailableError
from scoreline.core.versions import VersionRef
from scoreline.governance.entry import Entry, next_entry

CHAMPION = VersionRef("20261121T004512Z-3fa9c1d2", "0" * 64)
ENTRY = next_entry(
    None, "promote", CHAMPION, who="ada", reason="test", pointer_writes=0, anchor=None
)


@pytest.fixture
def ledger(aws, settings):
    return Ledger.connect(settings, Entry)


@pytest.fixture
def refuse(ledger):
    """Let DynamoDB cancel the next transaction with these reasons."""
    stub = Stubber(ledger.table.meta.client)
    with stub:
        yield lambda *codes: stub.add_client_error(
            "transact_write_items",
            "TransactionCanceledException",
            modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
        )


@pytest.mark.parametrize("code", ["ConditionalCheckFailed", "TransactionConflict"])
def test_a_conflict_appends_nothing(ledger, refuse, code):
    refuse("None", code)

    assert ledger.append("loan-risk", ENTRY) is False


def test_an_overloaded_table_is_not_a_conflict(ledger, refuse):
    refuse("None", "ThrottlingError")

    with pytest.raises(RegistryUnavailableError):
        ledger.append("loan-risk", ENTRY)


def test_an_appended_entry_is_the_head_and_the_history(ledger):
    assert ledger.append("loan-risk", ENTRY)

    assert ledger.head("loan-risk") == ENTRY
    assert ledger.history("loan-risk") == [ENTRY]
    assert ledger.append("loan-risk", ENTRY) is False
