"""The pipeline of the model home-credit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.home_credit.balances import CREDIT_CARD_BALANCE, POS_CASH_BALANCE
from features.home_credit.bureau import BUREAU, BUREAU_BALANCE
from features.home_credit.instalments import INSTALMENTS_PAYMENTS
from features.home_credit.previous import PREVIOUS_APPLICATION
from features.home_credit.time import YEAR_DAYS
from features.pipeline import Pipeline

if TYPE_CHECKING:
    from ibis.expr.types import Table

_TEXTS = (
    "NAME_CONTRACT_TYPE",
    "CODE_GENDER",
    "FLAG_OWN_CAR",
    "FLAG_OWN_REALTY",
    "NAME_INCOME_TYPE",
    "NAME_EDUCATION_TYPE",
    "NAME_FAMILY_STATUS",
    "NAME_HOUSING_TYPE",
    "OCCUPATION_TYPE",
)
_NUMBERS = (
    "AMT_INCOME_TOTAL",
    "AMT_CREDIT",
    "AMT_ANNUITY",
    "AMT_GOODS_PRICE",
    "REGION_POPULATION_RELATIVE",
    "REGION_RATING_CLIENT_W_CITY",
    "DAYS_BIRTH",
    "DAYS_EMPLOYED",
    "DAYS_REGISTRATION",
    "DAYS_ID_PUBLISH",
    "DAYS_LAST_PHONE_CHANGE",
    "OWN_CAR_AGE",
    "FLAG_PHONE",
    "FLAG_DOCUMENT_3",
    "REG_CITY_NOT_LIVE_CITY",
    "REG_CITY_NOT_WORK_CITY",
    "EXT_SOURCE_1",
    "EXT_SOURCE_2",
    "EXT_SOURCE_3",
    "TOTALAREA_MODE",
    "DEF_30_CNT_SOCIAL_CIRCLE",
    "DEF_60_CNT_SOCIAL_CIRCLE",
    "AMT_REQ_CREDIT_BUREAU_QRT",
    "AMT_REQ_CREDIT_BUREAU_YEAR",
)


def _with_age(t: Table) -> Table:
    """Replaces the day of birth by the age in whole years."""
    return t.mutate(AGE_YEARS=(-t.DAYS_BIRTH / YEAR_DAYS).floor()).drop("DAYS_BIRTH")


HOME_CREDIT = Pipeline(
    name="home-credit",
    key="SK_ID_CURR",
    target="TARGET",
    application="application",
    columns={
        "SK_ID_CURR": "int64",
        "TARGET": "int64",
        **dict.fromkeys(_TEXTS, "string"),
        **dict.fromkeys(_NUMBERS, "float64"),
    },
    prepared=_with_age,
    histories=(
        BUREAU,
        BUREAU_BALANCE,
        PREVIOUS_APPLICATION,
        POS_CASH_BALANCE,
        CREDIT_CARD_BALANCE,
        INSTALMENTS_PAYMENTS,
    ),
)
