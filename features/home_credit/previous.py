"""Earlier applications at this bank and their outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.home_credit.time import YEAR_DAYS
from features.pipeline import FeatureSpec, HistoryTable, share

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, Table

    from features.pipeline import Tables


def _known_decisions(tables: Tables) -> Table:
    t = tables["previous_application"]
    return t.filter(t.DAYS_DECISION <= 0)


def _approved(t: Table) -> BooleanValue:
    return t.NAME_CONTRACT_STATUS == "Approved"


def _refused(t: Table) -> BooleanValue:
    return t.NAME_CONTRACT_STATUS == "Refused"


PREVIOUS_APPLICATION = HistoryTable(
    "previous_application",
    {
        "SK_ID_CURR": "int64",
        "NAME_CONTRACT_TYPE": "string",
        "NAME_CONTRACT_STATUS": "string",
        "CODE_REJECT_REASON": "string",
        "NAME_YIELD_GROUP": "string",
        "NAME_PRODUCT_TYPE": "string",
        "DAYS_DECISION": "float64",
        "AMT_APPLICATION": "float64",
        "AMT_CREDIT": "float64",
        "AMT_ANNUITY": "float64",
        "RATE_DOWN_PAYMENT": "float64",
        "CNT_PAYMENT": "float64",
        "NFLAG_INSURED_ON_APPROVAL": "float64",
    },
    _known_decisions,
    (
        FeatureSpec(
            "previous_applications",
            "Earlier applications here",
            "applications",
            lambda t: t.count(),
        ),
        FeatureSpec(
            "previous_approved",
            "Earlier applications that were approved",
            "applications",
            lambda t: _approved(t).sum(),
        ),
        FeatureSpec(
            "previous_refused",
            "Earlier applications that were refused",
            "applications",
            lambda t: _refused(t).sum(),
        ),
        FeatureSpec(
            "previous_refused_share",
            "Refused share of earlier applications with a decision",
            "share",
            lambda t: share(_refused(t).sum(), (_refused(t) | _approved(t)).sum()),
        ),
        FeatureSpec(
            "previous_refused_1y",
            "Applications that were refused in the last year",
            "applications",
            lambda t: (_refused(t) & (t.DAYS_DECISION >= -YEAR_DAYS)).sum(),
        ),
        FeatureSpec(
            "previous_refused_by_score",
            "Earlier applications that were refused for their score or limit",
            "applications",
            lambda t: t.CODE_REJECT_REASON.isin(["SCO", "SCOFR", "LIMIT"]).sum(),
        ),
        FeatureSpec(
            "previous_days_since_last",
            "Time since the latest decision",
            "days",
            lambda t: -t.DAYS_DECISION.max(),
        ),
        FeatureSpec(
            "previous_days_since_first",
            "Time since the first decision",
            "days",
            lambda t: -t.DAYS_DECISION.min(),
        ),
        FeatureSpec(
            "previous_days_since_approved",
            "Time since the latest approval",
            "days",
            lambda t: -t.DAYS_DECISION.max(where=_approved(t)),
        ),
        FeatureSpec(
            "previous_days_since_refused",
            "Time since the latest refusal",
            "days",
            lambda t: -t.DAYS_DECISION.max(where=_refused(t)),
        ),
        FeatureSpec(
            "previous_granted_share",
            "Credit granted as a share of the amount applied for",
            "share",
            lambda t: share(
                t.AMT_CREDIT.sum(where=_approved(t)), t.AMT_APPLICATION.sum(where=_approved(t))
            ),
        ),
        FeatureSpec(
            "previous_annuity_mean",
            "Mean instalment of the approved credits",
            "amount",
            lambda t: t.AMT_ANNUITY.mean(where=_approved(t)),
        ),
        FeatureSpec(
            "previous_credit_max",
            "Largest approved credit",
            "amount",
            lambda t: t.AMT_CREDIT.max(where=_approved(t)),
        ),
        FeatureSpec(
            "previous_down_payment",
            "Mean down payment as a share of the price",
            "share",
            lambda t: t.RATE_DOWN_PAYMENT.mean(),
        ),
        FeatureSpec(
            "previous_payments_mean",
            "Mean term of the approved credits",
            "payments",
            lambda t: t.CNT_PAYMENT.mean(where=_approved(t)),
        ),
        FeatureSpec(
            "previous_high_yield_share",
            "Share of earlier applications at a high interest rate",
            "share",
            lambda t: share((t.NAME_YIELD_GROUP == "high").sum(), t.count()),
        ),
        FeatureSpec(
            "previous_walk_in_share",
            "Share of earlier applications without an invitation",
            "share",
            lambda t: share((t.NAME_PRODUCT_TYPE == "walk-in").sum(), t.count()),
        ),
        FeatureSpec(
            "previous_revolving",
            "Earlier applications for a card",
            "applications",
            lambda t: (t.NAME_CONTRACT_TYPE == "Revolving loans").sum(),
        ),
        FeatureSpec(
            "previous_insured_share",
            "Share of approved credits that were insured",
            "share",
            lambda t: t.NFLAG_INSURED_ON_APPROVAL.mean(),
        ),
    ),
)
