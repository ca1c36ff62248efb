"""Invented applicants in the form of the UCI German credit data, for stacks without that file.

About 30 % are bad risks. Their log-odds are

    -0.4 + 0.7 (duration - 21) / 12 - 1.4 (no checking account, or one from 200 DM)
    - 0.7 (critical credit history) - 0.6 (savings from 500 DM) + 0.4 (housing is not owned)

The other columns have no effect, and the protected ones have none either.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from scoreline.definition.files import load_definition
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

    from scoreline.core.features import Feature
    from training.generators.marginals import Columns

# Distribution and range of each number.
NUMBERS = {
    "duration_months": (stats.gamma(3, scale=7), 4, 72),
    "credit_amount_dm": (stats.lognorm(0.75, scale=2_400), 250, 18_500),
    "installment_rate": (stats.randint(1, 5), 1, 4),
    "residence_since": (stats.randint(1, 5), 1, 4),
    "existing_credits": (stats.bernoulli(0.37, loc=1), 1, 2),
    "dependants": (stats.bernoulli(0.16, loc=1), 1, 2),
    "age_years": (stats.gamma(2.2, loc=19, scale=7.5), 19, 75),
}
# Shares of each feature's categories, in the definition's order.
SHARES = {
    "checking_account": (27, 27, 6, 40),
    "credit_history": (4, 5, 53, 9, 29),
    "purpose": (10, 23, 10, 1, 5, 18, 1, 28, 2, 2),
    "savings": (60, 10, 6, 5, 19),
    "employment_since": (6, 17, 34, 18, 25),
    "other_debtors": (91, 4, 5),
    "property": (28, 23, 33, 16),
    "other_installment_plans": (81, 14, 5),
    "housing": (71, 18, 11),
    "job": (2, 20, 63, 15),
    "telephone": (60, 40),
    "personal_status_and_sex": (31, 5, 9, 55),
    "foreign_worker": (4, 96),
}


@cache
def marginals() -> dict[str, Marginal]:
    """Distribution of each feature of the definition."""
    return {
        feature.name: _marginal(feature) for feature in load_definition("german-credit").features
    }


def chunk(rng: np.random.Generator, rows: int) -> pa.Table:
    """Applicants in the form of the file."""
    columns = draw(rng, marginals(), rows)
    bad = draw_events(rng, _log_odds(columns))
    columns["creditability"] = np.where(bad, "bad", "good")
    table = to_table(columns, marginals())
    names = {f.name: f.dataset_column for f in load_definition("german-credit").features}
    return table.rename_columns([names.get(name, name) for name in table.column_names])


def _marginal(feature: Feature) -> Marginal:
    if feature.name in NUMBERS:
        return quantiles(*NUMBERS[feature.name], np.int32)
    return choice(dict(zip(feature.categories, SHARES[feature.name], strict=True)))


def _log_odds(columns: Columns) -> NDArray[np.float64]:
    """Log-odds of a bad risk; categories are codes in the definition's order."""
    return np.asarray(
        -0.4
        + 0.7 * (columns["duration_months"] - 21) / 12
        - 1.4 * (columns["checking_account"] >= 2)
        - 0.7 * (columns["credit_history"] == 4)
        - 0.6 * np.isin(columns["savings"], (2, 3))
        + 0.4 * (columns["housing"] > 0),
        np.float64,
    )
