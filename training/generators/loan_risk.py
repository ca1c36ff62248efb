"""Invented loan applications for load tests, in any number; 30 % of them default.

The log-odds of default follow from the application, `log_odds`:

    INTERCEPT
    + 6 debt_to_income + 4 credit_utilization - 0.01 (credit_score - 680)
    + 3 min(payment_to_income, 1) + 0.4 num_late_payments + 2 num_bankruptcies
    + 0.2 inquiries_last_6m - 0.2 log(savings / 10,000) + 0.5 (unemployed)

An application defaults with exactly the probability of its log-odds. The other columns have no
effect. Columns are independent of each other.

INTERCEPT makes the mean probability 30 %. It was solved for once, over 1,000 million applications
of another seed (standard error of the mean: 0.00001). Because it is not a quantile of the sample, a
row defaults independently of the rows around it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from training.generators.marginals import (
    Marginal,
    choice,
    draw,
    draw_events,
    quantiles,
    to_table,
)

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from training.generators.marginals import Columns

INTERCEPT = -5.74452
# Flat charge on the amount, as in the files of the systems that this model replaces.
CHARGE = 1.05


@cache
def marginals() -> dict[str, Marginal]:
    """Distribution of each column."""
    return {
        "age": quantiles(stats.norm(45, 12), 18, 75, np.int8),
        "income": quantiles(stats.lognorm(0.5, scale=51_000), 20_000, 250_000, np.int32),
        "employment_length": quantiles(stats.expon(scale=7), 0, 40, np.int8),
        "credit_score": quantiles(stats.norm(680, 80), 300, 850, np.int32),
        "num_credit_lines": quantiles(stats.poisson(5), 0, 20, np.int8),
        "credit_utilization": quantiles(stats.beta(2, 5), 0, 1),
        "debt_to_income": quantiles(stats.beta(2, 5), 0, 1),
        "total_debt": quantiles(stats.lognorm(0.8, scale=37_000), 1_000, 200_000, np.int32),
        "savings": quantiles(stats.lognorm(1.5, scale=9_000), 100, 100_000, np.int32),
        "loan_amount": quantiles(stats.lognorm(0.7, scale=13_000), 1_000, 100_000, np.int32),
        "loan_term": Marginal(12 * quantiles(stats.randint(1, 6), 1, 5, np.int8).values),
        "num_late_payments": quantiles(stats.poisson(1.5), 0, 20, np.int8),
        "num_bankruptcies": quantiles(stats.bernoulli(0.04), 0, 1, np.int8),
        "inquiries_last_6m": quantiles(stats.poisson(2), 0, 20, np.int8),
        "employment_status": choice(
            {"employed": 0.65, "self_employed": 0.20, "unemployed": 0.10, "retired": 0.05}
        ),
        "home_ownership": choice({"mortgage": 0.43, "rent": 0.38, "own": 0.14, "other": 0.05}),
        "loan_purpose": choice(
            {
                "debt_consolidation": 0.30,
                "credit_card": 0.25,
                "home_improvement": 0.20,
                "medical": 0.10,
                "business": 0.10,
                "other": 0.05,
            }
        ),
    }


def chunk(rng: np.random.Generator, rows: int) -> pa.Table:
    """Applications and whether they defaulted."""
    columns = draw(rng, marginals(), rows)
    defaults = draw_events(rng, log_odds(columns))
    return to_table({**columns, "default": defaults.astype(np.int8)}, marginals())


def log_odds(columns: Columns) -> NDArray[np.float64]:
    """Log-odds of default, shape (n_rows,)."""
    monthly_payment = CHARGE * columns["loan_amount"] / columns["loan_term"]
    payment_to_income = 12 * monthly_payment / columns["income"]
    statuses = marginals()["employment_status"].names
    unemployed = columns["employment_status"] == statuses.index("unemployed")
    return np.asarray(
        INTERCEPT
        + 6 * columns["debt_to_income"]
        + 4 * columns["credit_utilization"]
        - 0.01 * (columns["credit_score"] - 680)
        + 3 * np.minimum(payment_to_income, 1)
        + 0.4 * columns["num_late_payments"]
        + 2 * columns["num_bankruptcies"]
        + 0.2 * columns["inquiries_last_6m"]
        - 0.2 * np.log(columns["savings"] / 10_000)
        + 0.5 * unemployed,
        np.float64,
    )
