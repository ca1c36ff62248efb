"""Credits at other lenders, from the credit bureau, and their monthly status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.home_credit.time import YEAR_DAYS, YEAR_MONTHS, happened
from features.pipeline import FeatureSpec, HistoryTable, share

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, NumericValue, Table

    from features.pipeline import Tables

# Placeholder end dates of running credits lie up to 85 years ahead.
MAX_PLANNED_DAYS = 30 * YEAR_DAYS


def _known_credits(tables: Tables) -> Table:
    t = tables["bureau"]
    return t.filter(
        t.DAYS_CREDIT <= 0, happened(t.DAYS_CREDIT_UPDATE), happened(t.DAYS_ENDDATE_FACT)
    )


def _active(t: Table) -> BooleanValue:
    return t.CREDIT_ACTIVE == "Active"


def _running_days(t: Table) -> NumericValue:
    """Days until the planned end of a running credit."""
    ahead = (t.DAYS_CREDIT_ENDDATE > 0) & (t.DAYS_CREDIT_ENDDATE <= MAX_PLANNED_DAYS)
    return t.DAYS_CREDIT_ENDDATE.mean(where=_active(t) & ahead)


BUREAU = HistoryTable(
    "bureau",
    {
        "SK_ID_CURR": "int64",
        "SK_ID_BUREAU": "int64",
        "CREDIT_ACTIVE": "string",
        "CREDIT_TYPE": "string",
        "DAYS_CREDIT": "float64",
        "DAYS_CREDIT_UPDATE": "float64",
        "DAYS_CREDIT_ENDDATE": "float64",
        "DAYS_ENDDATE_FACT": "float64",
        "CREDIT_DAY_OVERDUE": "float64",
        "CNT_CREDIT_PROLONG": "float64",
        "AMT_CREDIT_SUM": "float64",
        "AMT_CREDIT_SUM_DEBT": "float64",
        "AMT_CREDIT_SUM_LIMIT": "float64",
        "AMT_CREDIT_SUM_OVERDUE": "float64",
        "AMT_CREDIT_MAX_OVERDUE": "float64",
    },
    _known_credits,
    (
        FeatureSpec(
            "bureau_credits", "Credits at other lenders, ever", "credits", lambda t: t.count()
        ),
        FeatureSpec(
            "bureau_active_credits",
            "Credits at other lenders that are running",
            "credits",
            lambda t: _active(t).sum(),
        ),
        FeatureSpec(
            "bureau_active_share",
            "Share of credits at other lenders that are running",
            "share",
            lambda t: share(_active(t).sum(), t.count()),
        ),
        FeatureSpec(
            "bureau_credits_1y",
            "Credits taken at other lenders in the last year",
            "credits",
            lambda t: (t.DAYS_CREDIT >= -YEAR_DAYS).sum(),
        ),
        FeatureSpec(
            "bureau_days_since_last",
            "Time since the latest credit at another lender",
            "days",
            lambda t: -t.DAYS_CREDIT.max(),
        ),
        FeatureSpec(
            "bureau_days_since_first",
            "Time since the first credit at another lender",
            "days",
            lambda t: -t.DAYS_CREDIT.min(),
        ),
        FeatureSpec(
            "bureau_days_since_mean",
            "Mean age of the credits at other lenders",
            "days",
            lambda t: -t.DAYS_CREDIT.mean(),
        ),
        FeatureSpec(
            "bureau_days_since_closed",
            "Time since a credit at another lender was last paid back",
            "days",
            lambda t: -t.DAYS_ENDDATE_FACT.max(),
        ),
        FeatureSpec(
            "bureau_running_days",
            "Mean time until the running credits at other lenders end",
            "days",
            _running_days,
        ),
        FeatureSpec(
            "bureau_debt",
            "Debt on running credits at other lenders",
            "amount",
            lambda t: t.AMT_CREDIT_SUM_DEBT.sum(where=_active(t)),
        ),
        FeatureSpec(
            "bureau_debt_share",
            "Debt on running credits at other lenders as a share of their amounts",
            "share",
            lambda t: share(
                t.AMT_CREDIT_SUM_DEBT.sum(where=_active(t)),
                t.AMT_CREDIT_SUM.sum(where=_active(t) & t.AMT_CREDIT_SUM_DEBT.notnull()),
            ),
        ),
        FeatureSpec(
            "bureau_credit_mean",
            "Mean amount of the credits at other lenders",
            "amount",
            lambda t: t.AMT_CREDIT_SUM.mean(),
        ),
        FeatureSpec(
            "bureau_overdue",
            "Amount overdue at other lenders",
            "amount",
            lambda t: t.AMT_CREDIT_SUM_OVERDUE.sum(),
        ),
        FeatureSpec(
            "bureau_overdue_days",
            "Days overdue of the most overdue credit at another lender",
            "days",
            lambda t: t.CREDIT_DAY_OVERDUE.max(),
        ),
        FeatureSpec(
            "bureau_overdue_max",
            "Largest amount that was ever overdue at another lender",
            "amount",
            lambda t: t.AMT_CREDIT_MAX_OVERDUE.max(),
        ),
        FeatureSpec(
            "bureau_active_cards",
            "Credit cards of other lenders in use",
            "credits",
            lambda t: (_active(t) & (t.CREDIT_TYPE == "Credit card")).sum(),
        ),
    ),
)


def _known_bureau_months(tables: Tables) -> Table:
    owners = _known_credits(tables).select("SK_ID_CURR", "SK_ID_BUREAU")
    months = tables["bureau_balance"]
    known = months.filter(months.MONTHS_BALANCE <= 0)
    joined = known.inner_join(owners, "SK_ID_BUREAU")
    return joined.mutate(late=joined.STATUS.isin(["1", "2", "3", "4", "5"]))


BUREAU_BALANCE = HistoryTable(
    "bureau_balance",
    {"SK_ID_BUREAU": "int64", "MONTHS_BALANCE": "float64", "STATUS": "string"},
    _known_bureau_months,
    (
        FeatureSpec(
            "bureau_months", "Months that the bureau reports on", "months", lambda t: t.count()
        ),
        FeatureSpec(
            "bureau_late_share",
            "Share of reported months with a late credit at another lender",
            "share",
            lambda t: share(t.late.sum(), t.count()),
        ),
        FeatureSpec(
            "bureau_late_months_1y",
            "Months of the last year in which a credit at another lender was late",
            "months",
            lambda t: (t.late & (t.MONTHS_BALANCE >= -YEAR_MONTHS)).sum(),
        ),
        FeatureSpec(
            "bureau_months_since_late",
            "Time since a credit at another lender was last late",
            "months",
            lambda t: -t.MONTHS_BALANCE.max(where=t.late),
        ),
    ),
)
