"""Credits at other lenders, as the credit bureau reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.generators.home_credit.draws import Draw, runs, sigmoid, table, unique_ids, where

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def bureau_credits(
    rng: np.random.Generator,
    ids: NDArray[np.int64],
    risk: NDArray[np.float64],
    customers: NDArray[np.int64],
    first: int,
) -> pa.Table:
    """Credits of the customers, given by their positions in `ids` and `risk`."""
    d = Draw(rng, len(customers))
    risk = risk[customers]
    began = d.days(-2_900, -30)
    active = d.chance(0.4)
    amount = np.round(np.exp(rng.normal(12, 1, len(customers))), -2)
    late = d.chance(sigmoid(risk - 4))
    ended = np.minimum((began * d.between(0, 0.9)).astype(np.int64), -1)
    return table(
        SK_ID_CURR=ids[customers],
        SK_ID_BUREAU=unique_ids(first, len(customers)),
        CREDIT_ACTIVE=np.where(active, "Active", "Closed"),
        CREDIT_TYPE=d.one_of({"Consumer credit": 0.75, "Credit card": 0.25}),
        DAYS_CREDIT=began,
        DAYS_CREDIT_UPDATE=np.where(active, d.days(-60, 0), ended),
        DAYS_CREDIT_ENDDATE=np.where(active, d.days(1, 1_800), ended),
        DAYS_ENDDATE_FACT=where(~active, ended),
        CREDIT_DAY_OVERDUE=np.where(active & late, d.days(1, 60), 0),
        CNT_CREDIT_PROLONG=d.chance(0.01).astype(np.int64),
        AMT_CREDIT_SUM=amount,
        AMT_CREDIT_SUM_DEBT=np.where(active, np.round(amount * d.score(0.8 * risk, 0.7), 2), 0.0),
        AMT_CREDIT_SUM_LIMIT=np.zeros(len(customers)),
        AMT_CREDIT_SUM_OVERDUE=np.where(active & late, np.round(amount * 0.05, 2), 0.0),
        AMT_CREDIT_MAX_OVERDUE=np.where(late, np.round(amount * 0.08, 2), 0.0),
    )


def bureau_balance(
    rng: np.random.Generator, risk: NDArray[np.float64], credits_: NDArray[np.int64]
) -> pa.Table:
    """Monthly status of some of the credits."""
    months = rng.integers(0, 13, len(credits_)) * (rng.random(len(credits_)) < 0.4)
    row, month = runs(months)
    d = Draw(rng, len(row))
    status = np.where(d.chance(sigmoid(1.2 * risk[row] - 4)), "1", d.one_of({"0": 0.5, "C": 0.5}))
    return table(SK_ID_BUREAU=credits_[row], MONTHS_BALANCE=-month, STATUS=status)
