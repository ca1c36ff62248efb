"""Invented customers with a credit history, in the tables of Home Credit, for stacks and tests.

Each customer has a hidden risk with a standard normal distribution. The log-odds of default are
`INTERCEPT + RISK_WEIGHT * risk`. Late months and instalments, refusals, debt, the use of a card and
external scores depend on the risk too, each with noise of its own, so the history adds to what the
application tells. One customer in five has no history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FIRST_ID = 100_001
INTERCEPT = -3.1  # about 8 % default
RISK_WEIGHT = 1.3
RETURNING = 0.8
NOT_EMPLOYED = 365_243

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


class _Draw:
    """Draws one value for each of a number of rows."""

    def __init__(self, rng: np.random.Generator, rows: int) -> None:
        self.rng = rng
        self.rows = rows

    def chance(self, probability: NDArray[np.float64] | float) -> NDArray[np.bool_]:
        return self.rng.random(self.rows) < probability

    def days(self, first: int, last: int) -> NDArray[np.int64]:
        return self.rng.integers(first, last, self.rows, endpoint=True)

    def between(self, low: float, high: float) -> NDArray[np.float64]:
        return self.rng.uniform(low, high, self.rows)

    def one_of(self, shares: Mapping[str, float]) -> NDArray[Any]:
        return self.rng.choice(list(shares), self.rows, p=list(shares.values()))

    def score(self, log_odds: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
        """A number from 0 to 1, scattered around the probability for the log-odds."""
        return _sigmoid(log_odds + self.rng.normal(0, noise, self.rows))

    def some(self, values: NDArray[Any], share: float) -> NDArray[np.object_]:
        """A share of the values; the others are missing."""
        return _where(self.chance(share), values)


def tables(rng: np.random.Generator, rows: int, first: int) -> dict[str, pa.Table]:
    """The tables of `rows` customers, who come after `first` others."""
    ids = FIRST_ID + first + np.arange(rows)
    risk = rng.normal(size=rows)
    past = np.flatnonzero(rng.random(rows) < RETURNING)
    credit = _children(rng, past, 5)
    previous = _children(rng, past, 4)
    card = past[rng.random(len(past)) < 0.3]
    bureau = _bureau(rng, ids, risk, credit, first)
    decided, approved = _previous(rng, ids, risk, previous, first)
    owner, contract = previous[approved], decided["SK_ID_PREV"].to_numpy()[approved]
    return {
        "application_train": _applications(rng, ids, risk),
        "bureau": bureau,
        "bureau_balance": _bureau_balance(rng, risk[credit], bureau["SK_ID_BUREAU"].to_numpy()),
        "previous_application": decided,
        "POS_CASH_balance": _pos_months(rng, ids[owner], risk[owner], contract),
        "installments_payments": _instalments(rng, ids[owner], risk[owner], contract),
        "credit_card_balance": _card_months(rng, ids[card], risk[card]),
    }


def _applications(
    rng: np.random.Generator, ids: NDArray[np.int64], risk: NDArray[np.float64]
) -> pa.Table:
    d = _Draw(rng, len(ids))
    income = np.round(np.exp(rng.normal(11.9, 0.45, len(ids))), -2)
    credit = np.round(income * d.between(0.5, 5), -2) + 1000
    income_type = d.one_of(INCOME_TYPES)
    working = income_type != "Pensioner"
    car = d.chance(0.34)
    return _table(
        SK_ID_CURR=ids,
        TARGET=d.chance(_sigmoid(INTERCEPT + RISK_WEIGHT * risk)).astype(np.int64),
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
        OCCUPATION_TYPE=_where(working, d.some(d.one_of(OCCUPATIONS), 0.85)),
        REGION_POPULATION_RELATIVE=d.between(0.001, 0.07),
        REGION_RATING_CLIENT_W_CITY=d.days(1, 3),
        DAYS_BIRTH=d.days(-25_000, -7_700),
        DAYS_EMPLOYED=np.where(working, d.days(-7_000, 0), NOT_EMPLOYED),
        DAYS_REGISTRATION=d.days(-12_000, 0),
        DAYS_ID_PUBLISH=d.days(-6_000, 0),
        DAYS_LAST_PHONE_CHANGE=d.days(-3_000, 0),
        OWN_CAR_AGE=_where(car, d.days(0, 30)),
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


def _bureau(
    rng: np.random.Generator,
    ids: NDArray[np.int64],
    risk: NDArray[np.float64],
    customers: NDArray[np.int64],
    first: int,
) -> pa.Table:
    d = _Draw(rng, len(customers))
    risk = risk[customers]
    began = d.days(-2_900, -30)
    active = d.chance(0.4)
    amount = np.round(np.exp(rng.normal(12, 1, len(customers))), -2)
    late = d.chance(_sigmoid(risk - 4))
    ended = np.minimum((began * d.between(0, 0.9)).astype(np.int64), -1)
    return _table(
        SK_ID_CURR=ids[customers],
        SK_ID_BUREAU=_ids(first, len(customers)),
        CREDIT_ACTIVE=np.where(active, "Active", "Closed"),
        CREDIT_TYPE=d.one_of({"Consumer credit": 0.75, "Credit card": 0.25}),
        DAYS_CREDIT=began,
        DAYS_CREDIT_UPDATE=np.where(active, d.days(-60, 0), ended),
        DAYS_CREDIT_ENDDATE=np.where(active, d.days(1, 1_800), ended),
        DAYS_ENDDATE_FACT=_where(~active, ended),
        CREDIT_DAY_OVERDUE=np.where(active & late, d.days(1, 60), 0),
        CNT_CREDIT_PROLONG=d.chance(0.01).astype(np.int64),
        AMT_CREDIT_SUM=amount,
        AMT_CREDIT_SUM_DEBT=np.where(active, np.round(amount * d.score(0.8 * risk, 0.7), 2), 0.0),
        AMT_CREDIT_SUM_LIMIT=np.zeros(len(customers)),
        AMT_CREDIT_SUM_OVERDUE=np.where(active & late, np.round(amount * 0.05, 2), 0.0),
        AMT_CREDIT_MAX_OVERDUE=np.where(late, np.round(amount * 0.08, 2), 0.0),
    )


def _bureau_balance(
    rng: np.random.Generator, risk: NDArray[np.float64], credits_: NDArray[np.int64]
) -> pa.Table:
    months = rng.integers(0, 13, len(credits_)) * (rng.random(len(credits_)) < 0.4)
    row, month = _runs(months)
    d = _Draw(rng, len(row))
    status = np.where(d.chance(_sigmoid(1.2 * risk[row] - 4)), "1", d.one_of({"0": 0.5, "C": 0.5}))
    return _table(SK_ID_BUREAU=credits_[row], MONTHS_BALANCE=-month, STATUS=status)


def _previous(
    rng: np.random.Generator,
    ids: NDArray[np.int64],
    risk: NDArray[np.float64],
    customers: NDArray[np.int64],
    first: int,
) -> tuple[pa.Table, NDArray[np.bool_]]:
    """The earlier applications, and which of them were approved."""
    d = _Draw(rng, len(customers))
    refused = d.chance(_sigmoid(0.9 * risk[customers] - 2))
    approved = ~refused & d.chance(0.8)
    asked = np.round(np.exp(rng.normal(11.3, 0.9, len(customers))), -2)
    granted = np.round(asked * d.between(0.9, 1.2), -2)
    reason = np.where(refused, d.one_of({"HC": 0.65, "LIMIT": 0.2, "SCO": 0.15}), "XAP")
    decided = _table(
        SK_ID_CURR=ids[customers],
        SK_ID_PREV=_ids(first, len(customers)),
        NAME_CONTRACT_TYPE=d.one_of({"Consumer loans": 0.6, "Cash loans": 0.4}),
        NAME_CONTRACT_STATUS=np.select([refused, approved], ["Refused", "Approved"], "Canceled"),
        CODE_REJECT_REASON=reason,
        NAME_YIELD_GROUP=d.one_of({"high": 0.3, "middle": 0.4, "low_normal": 0.3}),
        NAME_PRODUCT_TYPE=d.one_of({"XNA": 0.7, "x-sell": 0.2, "walk-in": 0.1}),
        DAYS_DECISION=d.days(-2_900, -30),
        AMT_APPLICATION=asked,
        AMT_CREDIT=granted,
        AMT_ANNUITY=_where(approved, np.round(granted / 12, 2)),
        RATE_DOWN_PAYMENT=d.some(d.between(0, 0.3), 0.6),
        CNT_PAYMENT=_where(approved, rng.choice([6, 10, 12, 18, 24], len(customers))),
        NFLAG_INSURED_ON_APPROVAL=_where(approved, d.days(0, 1)),
    )
    return decided, approved


def _pos_months(
    rng: np.random.Generator,
    ids: NDArray[np.int64],
    risk: NDArray[np.float64],
    contracts: NDArray[np.int64],
) -> pa.Table:
    row, month = _runs(rng.integers(1, 13, len(ids)))
    d = _Draw(rng, len(row))
    late = np.where(d.chance(_sigmoid(1.2 * risk[row] - 4)), d.days(1, 30), 0)
    return _table(
        SK_ID_CURR=ids[row],
        SK_ID_PREV=contracts[row],
        MONTHS_BALANCE=-month - 1,
        CNT_INSTALMENT=np.full(len(row), 12.0),
        CNT_INSTALMENT_FUTURE=np.minimum(month, 12).astype(np.float64),
        NAME_CONTRACT_STATUS=np.full(len(row), "Active"),
        SK_DPD=late,
        SK_DPD_DEF=late * d.chance(0.5),
    )


def _instalments(
    rng: np.random.Generator,
    ids: NDArray[np.int64],
    risk: NDArray[np.float64],
    contracts: NDArray[np.int64],
) -> pa.Table:
    row, number = _runs(rng.integers(1, 13, len(ids)))
    d = _Draw(rng, len(row))
    due = -30 * (number + 1)
    late = d.chance(_sigmoid(risk[row] - 2.5))
    amount = np.round(d.between(1_000, 20_000), 2)
    return _table(
        SK_ID_CURR=ids[row],
        SK_ID_PREV=contracts[row],
        NUM_INSTALMENT_VERSION=np.ones(len(row)),
        NUM_INSTALMENT_NUMBER=number + 1,
        DAYS_INSTALMENT=due.astype(np.float64),
        DAYS_ENTRY_PAYMENT=(due + np.where(late, d.days(1, 25), -d.days(0, 15))).astype(float),
        AMT_INSTALMENT=amount,
        AMT_PAYMENT=np.where(late & d.chance(0.3), np.round(amount / 2, 2), amount),
    )


def _card_months(
    rng: np.random.Generator, ids: NDArray[np.int64], risk: NDArray[np.float64]
) -> pa.Table:
    row, month = _runs(rng.integers(1, 13, len(ids)))
    d = _Draw(rng, len(row))
    limit = np.full(len(row), 180_000)
    balance = np.round(limit * d.score(risk[row] - 0.5, 0.7), 2)
    least = np.round(balance * 0.05, 2)
    drawn = np.round(balance * d.between(0, 0.3), 2)
    late = np.where(d.chance(_sigmoid(1.2 * risk[row] - 4)), d.days(1, 30), 0)
    return _table(
        SK_ID_CURR=ids[row],
        SK_ID_PREV=ids[row] + 10_000_000,
        MONTHS_BALANCE=-month - 1,
        AMT_BALANCE=balance,
        AMT_CREDIT_LIMIT_ACTUAL=limit,
        AMT_DRAWINGS_ATM_CURRENT=np.round(drawn * d.score(risk[row], 1), 2),
        AMT_DRAWINGS_CURRENT=drawn,
        AMT_INST_MIN_REGULARITY=least,
        AMT_PAYMENT_CURRENT=np.round(least * d.between(1, 3), 2),
        SK_DPD=late,
        SK_DPD_DEF=late * d.chance(0.5),
    )


def _children(
    rng: np.random.Generator, parents: NDArray[np.int64], mean: float
) -> NDArray[np.int64]:
    """The parent of each child; parents have `mean` children on average."""
    return np.repeat(parents, rng.poisson(mean, len(parents)))


def _runs(lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Run and place in the run, from 0, of each element of runs of these lengths."""
    run = np.repeat(np.arange(len(lengths)), lengths)
    return run, np.arange(len(run)) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _ids(first: int, count: int) -> NDArray[np.int64]:
    """Ids that no other chunk has, as long as a customer has fewer than 100 of a kind."""
    return 100 * (FIRST_ID + first) + np.arange(count)


def _where(given: NDArray[np.bool_], values: NDArray[Any]) -> NDArray[np.object_]:
    """The values where they are given; the others are missing."""
    objects = values.astype(object)
    objects[~given] = None
    return objects


def _sigmoid(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-z)), np.float64)


def _table(**columns: NDArray[Any]) -> pa.Table:
    return pa.table({name: pa.array(values.tolist()) for name, values in columns.items()})
