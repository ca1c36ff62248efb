"""Invented customers with a credit history, in the tables of Home Credit, for stacks and tests.

Each customer has a hidden risk with a standard normal distribution. The log-odds of default are
`INTERCEPT + RISK_WEIGHT * risk`. Late months and instalments, refusals, debt, the use of a card and
external scores depend on the risk too, each with noise of its own, so the history adds to what the
application tells. One customer in five has no history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.generators.home_credit.application import applications
from training.generators.home_credit.bureau import bureau_balance, bureau_credits
from training.generators.home_credit.draws import FIRST_ID, children
from training.generators.home_credit.previous import (
    card_months,
    instalments,
    pos_months,
    previous_applications,
)

if TYPE_CHECKING:
    import pyarrow as pa

RETURNING = 0.8


def tables(rng: np.random.Generator, rows: int, first: int) -> dict[str, pa.Table]:
    """The tables of `rows` customers, who come after `first` others."""
    ids = FIRST_ID + first + np.arange(rows)
    risk = rng.normal(size=rows)
    past = np.flatnonzero(rng.random(rows) < RETURNING)
    credit = children(rng, past, 5)
    previous = children(rng, past, 4)
    card = past[rng.random(len(past)) < 0.3]
    bureau = bureau_credits(rng, ids, risk, credit, first)
    decided, approved = previous_applications(rng, ids, risk, previous, first)
    owner, contract = previous[approved], decided["SK_ID_PREV"].to_numpy()[approved]
    return {
        "application_train": applications(rng, ids, risk),
        "bureau": bureau,
        "bureau_balance": bureau_balance(rng, risk[credit], bureau["SK_ID_BUREAU"].to_numpy()),
        "previous_application": decided,
        "POS_CASH_balance": pos_months(rng, ids[owner], risk[owner], contract),
        "installments_payments": instalments(rng, ids[owner], risk[owner], contract),
        "credit_card_balance": card_months(rng, ids[card], risk[card]),
    }
