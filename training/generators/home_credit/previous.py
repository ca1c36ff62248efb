"""Earlier applications at the same lender, and how their loans and cards were paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.generators.home_credit.draws import Draw, runs, sigmoid, table, unique_ids, where

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def previous_applications(
    rng: np.random.Generator,
    ids: NDArray[np.int64],
    risk: NDArray[np.float64],
    customers: NDArray[np.int64],
    first: int,
) -> tuple[pa.Table, NDArray[np.bool_]]:
    """The earlier applications, and which of them were approved."""
    d = Draw(rng, len(customers))
    refused = d.chance(sigmoid(0.9 * risk[customers] - 2))
    approved = ~refused & d.chance(0.8)
    asked = np.round(np.exp(rng.normal(11.3, 0.9, len(customers))), -2)
    granted = np.round(asked * d.between(0.9, 1.2), -2)
    reason = np.where(refused, d.one_of({"HC": 0.65, "LIMIT": 0.2, "SCO": 0.15}), "XAP")
    decided = table(
        SK_ID_CURR=ids[customers],
        SK_ID_PREV=unique_ids(first, len(customers)),
        NAME_CONTRACT_TYPE=d.one_of({"Consumer loans": 0.6, "Cash loans": 0.4}),
        NAME_CONTRACT_STATUS=np.select([refused, approved], ["Refused", "Approved"], "Canceled"),
        CODE_REJECT_REASON=reason,
        NAME_YIELD_GROUP=d.one_of({"high": 0.3, "middle": 0.4, "low_normal": 0.3}),
        NAME_PRODUCT_TYPE=d.one_of({"XNA": 0.7, "x-sell": 0.2, "walk-in": 0.1}),
        DAYS_DECISION=d.days(-2_900, -30),
        AMT_APPLICATION=asked,
        AMT_CREDIT=granted,
        AMT_ANNUITY=where(approved, np.round(granted / 12, 2)),
        RATE_DOWN_PAYMENT=d.some(d.between(0, 0.3), 0.6),
        CNT_PAYMENT=where(approved, rng.choice([6, 10, 12, 18, 24], len(customers))),
        NFLAG_INSURED_ON_APPROVAL=where(approved, d.days(0, 1)),
    )
    return decided, approved


def pos_months(
    rng: np.random.Generator,
    ids: NDArray[np.int64],
    risk: NDArray[np.float64],
    contracts: NDArray[np.int64],
) -> pa.Table:
    """Monthly balances of consumer loans."""
    row, month = runs(rng.integers(1, 13, len(ids)))
    d = Draw(rng, len(row))
    late = np.where(d.chance(sigmoid(1.2 * risk[row] - 4)), d.days(1, 30), 0)
    return table(
        SK_ID_CURR=ids[row],
        SK_ID_PREV=contracts[row],
        MONTHS_BALANCE=-month - 1,
        CNT_INSTALMENT=np.full(len(row), 12.0),
        CNT_INSTALMENT_FUTURE=np.minimum(month, 12).astype(np.float64),
        NAME_CONTRACT_STATUS=np.full(len(row), "Active"),
        SK_DPD=late,
        SK_DPD_DEF=late * d.chance(0.5),
    )


def instalments(
    rng: np.random.Generator,
    ids: NDArray[np.int64],
    risk: NDArray[np.float64],
    contracts: NDArray[np.int64],
) -> pa.Table:
    """Instalments that were due, and their payments."""
    row, number = runs(rng.integers(1, 13, len(ids)))
    d = Draw(rng, len(row))
    due = -30 * (number + 1)
    late = d.chance(sigmoid(risk[row] - 2.5))
    amount = np.round(d.between(1_000, 20_000), 2)
    return table(
        SK_ID_CURR=ids[row],
        SK_ID_PREV=contracts[row],
        NUM_INSTALMENT_VERSION=np.ones(len(row)),
        NUM_INSTALMENT_NUMBER=number + 1,
        DAYS_INSTALMENT=due.astype(np.float64),
        DAYS_ENTRY_PAYMENT=(due + np.where(late, d.days(1, 25), -d.days(0, 15))).astype(float),
        AMT_INSTALMENT=amount,
        AMT_PAYMENT=np.where(late & d.chance(0.3), np.round(amount / 2, 2), amount),
    )


def card_months(
    rng: np.random.Generator, ids: NDArray[np.int64], risk: NDArray[np.float64]
) -> pa.Table:
    """Monthly balances of credit cards."""
    row, month = runs(rng.integers(1, 13, len(ids)))
    d = Draw(rng, len(row))
    limit = np.full(len(row), 180_000)
    balance = np.round(limit * d.score(risk[row] - 0.5, 0.7), 2)
    least = np.round(balance * 0.05, 2)
    drawn = np.round(balance * d.between(0, 0.3), 2)
    late = np.where(d.chance(sigmoid(1.2 * risk[row] - 4)), d.days(1, 30), 0)
    return table(
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
