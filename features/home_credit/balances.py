"""Monthly balances of instalment credits and of cards at this bank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.home_credit.time import YEAR_MONTHS
from features.pipeline import FeatureSpec, HistoryTable, share

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, Table

    from features.pipeline import Tables

HALF_A_YEAR_MONTHS = 6


def _known_pos_months(tables: Tables) -> Table:
    t = tables["POS_CASH_balance"]
    return t.filter(t.MONTHS_BALANCE <= 0)


def _known_card_months(tables: Tables) -> Table:
    t = tables["credit_card_balance"]
    known = t.filter(t.MONTHS_BALANCE <= 0)
    return known.mutate(utilisation=share(known.AMT_BALANCE, known.AMT_CREDIT_LIMIT_ACTUAL))


def _late(t: Table) -> BooleanValue:
    return t.SK_DPD > 0


def _last_year(t: Table) -> BooleanValue:
    return t.MONTHS_BALANCE >= -YEAR_MONTHS


POS_CASH_BALANCE = HistoryTable(
    "POS_CASH_balance",
    {
        "SK_ID_CURR": "int64",
        "SK_ID_PREV": "int64",
        "MONTHS_BALANCE": "float64",
        "CNT_INSTALMENT": "float64",
        "CNT_INSTALMENT_FUTURE": "float64",
        "NAME_CONTRACT_STATUS": "string",
        "SK_DPD": "float64",
        "SK_DPD_DEF": "float64",
    },
    _known_pos_months,
    (
        FeatureSpec(
            "pos_late_share",
            "Share of months in which an instalment credit here was late",
            "share",
            lambda t: share(_late(t).sum(), t.count()),
        ),
        FeatureSpec(
            "pos_late_months_1y",
            "Months of the last year in which an instalment credit here was late",
            "months",
            lambda t: (_late(t) & _last_year(t)).sum(),
        ),
        FeatureSpec(
            "pos_late_days_max",
            "Maximum days late of an instalment credit here, small debts excluded",
            "days",
            lambda t: t.SK_DPD_DEF.max(),
        ),
        FeatureSpec(
            "pos_months_since_last",
            "Time since the latest month of an instalment credit here",
            "months",
            lambda t: -t.MONTHS_BALANCE.max(),
        ),
        FeatureSpec(
            "pos_remaining_share",
            "Share of instalments still to come, mean over the last year's months",
            "share",
            lambda t: share(
                t.CNT_INSTALMENT_FUTURE.sum(where=_last_year(t)),
                t.CNT_INSTALMENT.sum(where=_last_year(t)),
            ),
        ),
    ),
)


CREDIT_CARD_BALANCE = HistoryTable(
    "credit_card_balance",
    {
        "SK_ID_CURR": "int64",
        "SK_ID_PREV": "int64",
        "MONTHS_BALANCE": "float64",
        "AMT_BALANCE": "float64",
        "AMT_CREDIT_LIMIT_ACTUAL": "float64",
        "AMT_DRAWINGS_ATM_CURRENT": "float64",
        "AMT_DRAWINGS_CURRENT": "float64",
        "AMT_INST_MIN_REGULARITY": "float64",
        "AMT_PAYMENT_CURRENT": "float64",
        "SK_DPD": "float64",
        "SK_DPD_DEF": "float64",
    },
    _known_card_months,
    (
        FeatureSpec("card_months", "Months of cards here", "months", lambda t: t.count()),
        FeatureSpec(
            "card_utilisation_mean",
            "Mean card utilisation here over all months",
            "share",
            lambda t: t.utilisation.mean(),
        ),
        FeatureSpec(
            "card_utilisation_max",
            "Highest card utilisation here",
            "share",
            lambda t: t.utilisation.max(),
        ),
        FeatureSpec(
            "card_utilisation_6m",
            "Mean card utilisation here over the last six months",
            "share",
            lambda t: t.utilisation.mean(where=t.MONTHS_BALANCE >= -HALF_A_YEAR_MONTHS),
        ),
        FeatureSpec(
            "card_cash_share",
            "Share of card drawings here that were cash from machines",
            "share",
            lambda t: share(t.AMT_DRAWINGS_ATM_CURRENT.sum(), t.AMT_DRAWINGS_CURRENT.sum()),
        ),
        FeatureSpec(
            "card_drawings_1y",
            "Mean monthly drawings on cards here in the last year",
            "amount",
            lambda t: t.AMT_DRAWINGS_CURRENT.mean(where=_last_year(t)),
        ),
        FeatureSpec(
            "card_paid_share",
            "Payments on cards here relative to the minimum due",
            "share",
            lambda t: share(t.AMT_PAYMENT_CURRENT.sum(), t.AMT_INST_MIN_REGULARITY.sum()),
        ),
        FeatureSpec(
            "card_late_share",
            "Share of months in which a card here was late",
            "share",
            lambda t: share(_late(t).sum(), t.count()),
        ),
        FeatureSpec(
            "card_late_days_max",
            "Maximum days late of a card here, small debts excluded",
            "days",
            lambda t: t.SK_DPD_DEF.max(),
        ),
    ),
)
