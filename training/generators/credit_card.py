"""Invented credit card applications, as untidy as a bank's file: duplicates and missing labels.

The log-odds of default are -1.9 + 0.6 (score_3 - 350) / 107 - 0.5 log(income / 61,000) / 0.5; the
other scores have no effect. One row in five repeats the row before it, one label in fourteen is
missing, and so are score_3 and income of one row in fifty.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
from scipy import stats

from training.generators.marginals import Marginal, draw, draw_events, quantiles, to_table

ID_BYTES = 16
REPEATED_SHARE = 0.20
UNLABELLED_SHARE = 0.07
INCOMPLETE_SHARE = 0.02


@cache
def marginals() -> dict[str, Marginal]:
    """Distribution of each column."""
    scores = Marginal(10 * quantiles(stats.norm(35, 10.7), 7, 80, np.int32).values.astype(float))
    return {
        "score_3": scores,
        "score_4": quantiles(stats.norm(100, 3.2), 80, 120, np.float64),
        "score_5": quantiles(stats.uniform(0, 1), 0, 1, np.float64),
        "score_6": quantiles(stats.norm(100, 10), 50, 150, np.float64),
        "income": quantiles(stats.lognorm(0.5, scale=61_000), 10_000, 500_000, np.float64),
    }


def chunk(rng: np.random.Generator, rows: int) -> pa.Table:
    """Applications in the form of the file: ids as bytes, labels that may be null."""
    columns = draw(rng, marginals(), rows)
    log_odds = -1.9 + 0.6 * (columns["score_3"] - 350) / 107
    log_odds -= 0.5 * np.log(columns["income"] / 61_000) / 0.5
    defaults = draw_events(rng, log_odds)
    incomplete = rng.random(rows) < INCOMPLETE_SHARE
    columns["score_3"][incomplete] = columns["income"][incomplete] = np.nan
    ids = rng.bytes(ID_BYTES * rows)
    labels = pa.array(defaults, mask=rng.random(rows) < UNLABELLED_SHARE)
    table = to_table(columns, marginals()).add_column(0, "default", labels)
    keys = [ids[start : start + ID_BYTES].hex().encode() for start in range(0, len(ids), ID_BYTES)]
    return table.add_column(0, "ids", pa.array(keys, pa.binary())).take(_sources(rng, rows))


def _sources(rng: np.random.Generator, rows: int) -> pa.Array:
    """The row that each row repeats, mostly itself."""
    own = np.where(rng.random(rows) < REPEATED_SHARE, 0, np.arange(rows))
    return pa.array(np.maximum.accumulate(own))
