"""Instalments of credits at this bank: amounts due and paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.home_credit.time import YEAR_DAYS
from features.pipeline import FeatureSpec, HistoryTable, share

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, Table

    from features.pipeline import Tables


def _known_instalments(tables: Tables) -> Table:
    """Instalments due before the application, one row each, with the amount paid by then.

    `days_late` counts to the last payment, or to the application where nothing was paid; it is
    negative for early payments. Payments after the application are ignored.
    """
    t = tables["installments_payments"]
    due = t.filter(t.DAYS_INSTALMENT <= 0)
    paid = due.DAYS_ENTRY_PAYMENT <= 0
    instalments = due.group_by(
        "SK_ID_CURR",
        "SK_ID_PREV",
        "NUM_INSTALMENT_VERSION",
        "NUM_INSTALMENT_NUMBER",
        "DAYS_INSTALMENT",
    ).aggregate(
        due=due.AMT_INSTALMENT.max(),
        paid=due.AMT_PAYMENT.sum(where=paid).fill_null(0),
        paid_on=due.DAYS_ENTRY_PAYMENT.max(where=paid),
    )
    last = instalments.paid_on.fill_null(0)
    return instalments.mutate(days_late=last - instalments.DAYS_INSTALMENT)


def _late(t: Table) -> BooleanValue:
    return t.days_late > 0


def _last_year(t: Table) -> BooleanValue:
    return t.DAYS_INSTALMENT >= -YEAR_DAYS


INSTALMENTS_PAYMENTS = HistoryTable(
    "installments_payments",
    {
        "SK_ID_CURR": "int64",
        "SK_ID_PREV": "int64",
        "NUM_INSTALMENT_VERSION": "float64",
        "NUM_INSTALMENT_NUMBER": "float64",
        "DAYS_INSTALMENT": "float64",
        "DAYS_ENTRY_PAYMENT": "float64",
        "AMT_INSTALMENT": "float64",
        "AMT_PAYMENT": "float64",
    },
    _known_instalments,
    (
        FeatureSpec("instalments", "Instalments due here", "instalments", lambda t: t.count()),
        FeatureSpec(
            "instalments_late_share",
            "Share of instalments here paid late or unpaid",
            "share",
            lambda t: share(_late(t).sum(), t.count()),
        ),
        FeatureSpec(
            "instalments_late_share_1y",
            "Share of last year's instalments here paid late or unpaid",
            "share",
            lambda t: share((_late(t) & _last_year(t)).sum(), _last_year(t).sum()),
        ),
        FeatureSpec(
            "instalments_days_late_mean",
            "Mean days late of instalments here, negative for early ones",
            "days",
            lambda t: t.days_late.mean(),
        ),
        FeatureSpec(
            "instalments_days_late_max",
            "Maximum days late of an instalment here",
            "days",
            lambda t: t.days_late.max(),
        ),
        FeatureSpec(
            "instalments_unpaid_share",
            "Unpaid share of the amounts due here",
            "share",
            lambda t: share((t.due - t.paid).clip(lower=0).sum(), t.due.sum()),
        ),
    ),
)
