"""Nothing that happened after the application changes a feature."""

from dataclasses import replace

import ibis
import numpy as np
import pytest

from features.home_credit.pipeline import HOME_CREDIT
from tests.customers import features, invented, table, tables
from tests.unit.features.test_home_credit import instalment

pytestmark = pytest.mark.slow

ABSURD = 9e9

# Columns that date a row, and all other columns.
PLANTED = {
    "bureau, taken": ("bureau", {"DAYS_CREDIT": 1}, {"CREDIT_ACTIVE": "Active"}),
    "bureau, updated": (
        "bureau",
        {"DAYS_CREDIT_UPDATE": 1},
        {"DAYS_CREDIT": -9, "CREDIT_ACTIVE": "Active"},
    ),
    "bureau, ended": (
        "bureau",
        {"DAYS_ENDDATE_FACT": 1},
        {"DAYS_CREDIT": -9, "CREDIT_ACTIVE": "Closed"},
    ),
    "bureau_balance": ("bureau_balance", {"MONTHS_BALANCE": 1}, {"STATUS": "5"}),
    "previous_application": (
        "previous_application",
        {"DAYS_DECISION": 1},
        {"NAME_CONTRACT_STATUS": "Refused", "CODE_REJECT_REASON": "SCO"},
    ),
    "POS_CASH_balance": ("POS_CASH_balance", {"MONTHS_BALANCE": 1}, {}),
    "credit_card_balance": ("credit_card_balance", {"MONTHS_BALANCE": 1}, {}),
    "installments_payments": ("installments_payments", {"DAYS_INSTALMENT": 1}, {}),
}


def opened(rows, name):
    schema = HOME_CREDIT.schemas[name]
    held = ibis.memtable(rows)
    return held.select(**{column: held[column].cast(kind) for column, kind in schema.items()})


@pytest.fixture(scope="module")
def given():
    return invented()


@pytest.fixture(scope="module")
def before(given):
    return {name: opened(given[name], name) for name in HOME_CREDIT.schemas}


@pytest.fixture(scope="module")
def keys(given):
    """A customer and one of their credits."""
    first = {
        column: given["bureau"][column][0].as_py() for column in ("SK_ID_CURR", "SK_ID_BUREAU")
    }
    return {**{column: int(value) for column, value in first.items()}, "SK_ID_PREV": 1}


def values(of, name):
    """Features computed from a table, alone or with others; shape (n, n_customers)."""
    histories = tuple(h for h in HOME_CREDIT.histories if h.table.startswith(name))
    pipeline = replace(HOME_CREDIT, histories=histories)
    found = pipeline.customers(of).order_by(pipeline.key).to_pyarrow()
    return np.array([column.to_pylist() for column in found.columns], float)


def absurd(keys, name, dated, said, after):
    amounts = {
        column: ABSURD
        for column, kind in HOME_CREDIT.schemas[name].items()
        if kind == "float64" and not column.startswith(("DAYS_", "MONTHS_"))
    }
    held = {column: keys[column] for column in HOME_CREDIT.schemas[name] if column in keys}
    return {**amounts, **held, **said, **dict.fromkeys(dated, after)}


@pytest.mark.parametrize("case", PLANTED)
def test_rows_dated_after_the_application_are_not_used(before, keys, case):
    name, dated, said = PLANTED[case]
    rows = [absurd(keys, name, dated, said, after) for after in (1, 30, 365_243)]

    planted = {**before, name: before[name].union(table(name, *rows))}

    np.testing.assert_allclose(values(planted, name), values(before, name), rtol=1e-9)


@pytest.mark.parametrize("case", PLANTED)
def test_the_same_rows_dated_before_the_application_are_used(before, keys, case):
    name, dated, said = PLANTED[case]
    planted = {**before, name: before[name].union(table(name, absurd(keys, name, dated, said, -1)))}

    assert not np.array_equal(values(planted, name), values(before, name), equal_nan=True)


def test_months_of_a_credit_that_was_taken_later_are_not_used():
    months = [{"SK_ID_BUREAU": 7, "MONTHS_BALANCE": -1, "STATUS": "5"}]
    later = {"SK_ID_CURR": 1, "SK_ID_BUREAU": 7, "DAYS_CREDIT": 1}

    assert features(tables(bureau=[later], bureau_balance=months)) == {}


def test_a_payment_after_the_application_is_as_good_as_none():
    paid_later = [instalment(1, -60, -70, 100), instalment(2, -30, 1, ABSURD)]
    unpaid = [instalment(1, -60, -70, 100), instalment(2, -30, None, None)]

    assert features(tables(installments_payments=paid_later)) == features(
        tables(installments_payments=unpaid)
    )


def test_every_column_of_days_and_months_dates_rows_or_is_a_plan():
    """Every column is classified: it dates its row, or it was known before."""
    planned = {"DAYS_CREDIT_ENDDATE"}
    nulled = {"DAYS_ENTRY_PAYMENT"}
    dating = {column for _, dated, _ in PLANTED.values() for column in dated}
    columns = {
        column
        for history in HOME_CREDIT.histories
        for column in history.columns
        if column.startswith(("DAYS_", "MONTHS_"))
    }

    assert columns == dating | planned | nulled
