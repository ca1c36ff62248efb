"""The application: what customers state about themselves, and whether they default."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.generators.home_credit.draws import Draw, sigmoid, table, where

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

INTERCEPT = -3.1  # about 8 % default
RISK_WEIGHT = 1.3
NOT_EMPLOYED = 365_243  # Home Credit's code

INCOME_TYPES = {
    "Working": 0.52,
    "Commercial associate": 0.23,
    "Pensioner": 0.18,
    "State servant": 0.07,
}
OCCUPATIONS = {
    "Laborers": 0.3,
    "Sales staff": 0.2,
    "Core staff": 0.2,
    "Managers": 0.15,
    "Drivers": 0.15,
}
EDUCATIONS = {
    "Secondary / secondary special": 0.71,
    "Higher education": 0.24,
    "Incomplete higher": 0.04,
    "Lower secondary": 0.01,
}
HOUSINGS = {"House / apartment": 0.89, "With parents": 0.05, "Rented apartment": 0.06}
FAMILIES = {"Married": 0.64, "Single / not married": 0.15, "Civil marriage": 0.1, "Widow": 0.11}


def applications(
    rng: np.random.Generator, ids: NDArray[np.int64], risk: NDArray[np.float64]
) -> pa.Table:
    """One application for each customer, with the default that follows from the risk."""
    d = Draw(rng, len(ids))
    income = np.round(np.exp(rng.normal(11.9, 0.45, len(ids))), -2)
    credit = np.round(income * d.between(0.5, 5), -2) + 1000
    income_type = d.one_of(INCOME_TYPES)
    working = income_type != "Pensioner"
    car = d.chance(0.34)
    return table(
        SK_ID_CURR=ids,
        TARGET=d.chance(sigmoid(INTERCEPT + RISK_WEIGHT * risk)).astype(np.int64),
        NAME_CONTRACT_TYPE=d.one_of({"Cash loans": 0.9, "Revolving loans": 0.1}),
        CODE_GENDER=d.one_of({"F": 0.66, "M": 0.34}),
        FLAG_OWN_CAR=np.where(car, "Y", "N"),
        FLAG_OWN_REALTY=d.one_of({"Y": 0.69, "N": 0.31}),
        AMT_INCOME_TOTAL=income,
        AMT_CREDIT=credit,
        AMT_ANNUITY=np.round(credit / d.between(12, 30), 2),
        AMT_GOODS_PRICE=np.round(credit * d.between(0.8, 1), -2),
        NAME_INCOME_TYPE=income_type,
        NAME_EDUCATION_TYPE=d.one_of(EDUCATIONS),
        NAME_FAMILY_STATUS=d.one_of(FAMILIES),
        NAME_HOUSING_TYPE=d.one_of(HOUSINGS),
        OCCUPATION_TYPE=where(working, d.some(d.one_of(OCCUPATIONS), 0.85)),
        REGION_POPULATION_RELATIVE=d.between(0.001, 0.07),
        REGION_RATING_CLIENT_W_CITY=d.days(1, 3),
        DAYS_BIRTH=d.days(-25_000, -7_700),
        DAYS_EMPLOYED=np.where(working, d.days(-7_000, 0), NOT_EMPLOYED),
        DAYS_REGISTRATION=d.days(-12_000, 0),
        DAYS_ID_PUBLISH=d.days(-6_000, 0),
        DAYS_LAST_PHONE_CHANGE=d.days(-3_000, 0),
        OWN_CAR_AGE=where(car, d.days(0, 30)),
        FLAG_PHONE=d.days(0, 1),
        FLAG_DOCUMENT_3=d.chance(0.7).astype(np.int64),
        REG_CITY_NOT_LIVE_CITY=d.chance(0.08).astype(np.int64),
        REG_CITY_NOT_WORK_CITY=d.chance(0.23).astype(np.int64),
        EXT_SOURCE_1=d.some(d.score(-0.3 * risk, 0.8), 0.45),
        EXT_SOURCE_2=d.score(-0.3 * risk, 0.8),
        EXT_SOURCE_3=d.some(d.score(-0.3 * risk, 0.8), 0.8),
        TOTALAREA_MODE=d.some(d.between(0, 0.4), 0.5),
        DEF_30_CNT_SOCIAL_CIRCLE=d.chance(0.1).astype(np.int64),
        DEF_60_CNT_SOCIAL_CIRCLE=d.chance(0.07).astype(np.int64),
        AMT_REQ_CREDIT_BUREAU_QRT=d.some(d.days(0, 2), 0.87),
        AMT_REQ_CREDIT_BUREAU_YEAR=d.some(d.days(0, 6), 0.87),
    )
