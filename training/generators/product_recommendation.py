"""Invented customers of a bank and the products that they own, to try recommendations on.

The log-odds of owning a product are a constant plus the product's weights, from `OWNERSHIP`, times

    being active, decades of age over 25, log(income / 90,000), a university segment,
    being under 18, the top segment

Products are owned independently of each other, given the customer. The constants give each product
about the share of owners that it had among Santander's customers of January 2015; the weights are
invented. Income is missing for a fifth of the customers, and a few tenures and incomes are special
codes, as in the real files.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from training.generators.marginals import (
    LEVELS,
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

MAX_ID = 2**53
NO_INCOME, UNKNOWN_INCOME, UNKNOWN_TENURE = 0.19, 0.01, 0.002

_CHILDREN = np.arange(LEVELS) < 0.007 * LEVELS
_ADULTS = quantiles(stats.lognorm(0.7, loc=18, scale=6), 18, 96, np.int8).values

# Product -> constant, active, age, income, student, child, top.
OWNERSHIP: dict[str, tuple[float, ...]] = {
    "ind_ahor_fin_ult1": (-8.0, 0.0, 0.3, 0.0, 0.0, 0.0, 0.0),
    "ind_aval_fin_ult1": (-9.0, 0.0, 0.3, 0.5, 0.0, 0.0, 1.0),
    "ind_cco_fin_ult1": (2.2, -4.0, -1.0, 0.0, 5.2, -11.0, -0.5),
    "ind_cder_fin_ult1": (-8.0, 0.0, 0.4, 0.5, 0.0, 0.0, 2.0),
    "ind_cno_fin_ult1": (-3.4, 3.8, 1.0, 0.3, -4.5, -8.0, 0.5),
    "ind_ctju_fin_ult1": (-8.0, 0.0, 0.0, 0.0, 0.0, 12.0, 0.0),
    "ind_ctma_fin_ult1": (-7.0, 0.5, 0.3, 0.0, 0.0, -5.0, 0.0),
    "ind_ctop_fin_ult1": (-8.5, 0.0, 0.8, 0.0, -1.0, -5.0, 0.5),
    "ind_ctpp_fin_ult1": (-9.0, 0.5, 0.8, 0.5, -1.0, -5.0, 1.0),
    "ind_deco_fin_ult1": (-8.5, 0.5, 0.5, 0.3, 0.0, -5.0, 1.0),
    "ind_deme_fin_ult1": (-8.5, 0.5, 0.5, 0.3, 0.0, -5.0, 1.0),
    "ind_dela_fin_ult1": (-5.4, 1.5, 0.8, 0.6, -1.0, -5.0, 1.0),
    "ind_ecue_fin_ult1": (-3.2, 2.6, 0.8, 0.4, -1.6, -8.0, 0.5),
    "ind_fond_fin_ult1": (-6.5, 1.0, 0.8, 0.8, -0.5, -5.0, 2.0),
    "ind_hip_fin_ult1": (-9.0, 0.5, 0.3, 0.0, -1.0, -5.0, 0.0),
    "ind_plan_fin_ult1": (-7.6, 1.0, 0.7, 0.5, -1.0, -5.0, 1.5),
    "ind_pres_fin_ult1": (-8.5, 0.5, 0.2, -0.5, -0.5, -5.0, 0.0),
    "ind_reca_fin_ult1": (-5.6, 2.0, 0.5, 0.3, -0.5, -5.0, 0.5),
    "ind_tjcr_fin_ult1": (-5.6, 2.2, 0.5, 0.4, -0.6, -5.0, 1.0),
    "ind_valo_fin_ult1": (-7.0, 1.5, 0.8, 0.8, -0.5, -5.0, 2.0),
    "ind_viv_fin_ult1": (-9.0, 0.5, 0.5, 0.0, 0.0, -5.0, 0.0),
    "ind_nomina_ult1": (-5.7, 3.2, 0.2, 0.2, -0.6, -5.0, 0.3),
    "ind_nom_pens_ult1": (-5.4, 3.1, 0.3, 0.2, -0.6, -5.0, 0.3),
    "ind_recibo_ult1": (-3.7, 2.6, 0.4, 0.2, -0.6, -5.0, 0.3),
}


@cache
def marginals() -> dict[str, Marginal]:
    """Distribution of each column of the profile."""
    return {
        "sexo": choice({"H": 0.54, "V": 0.46}),
        "age": Marginal(np.where(_CHILDREN, np.arange(LEVELS) % 14 + 4, _ADULTS).astype(np.int8)),
        "antiguedad": quantiles(stats.norm(34, 3), 0, 35, np.int32),
        "tiprel_1mes": choice({"I": 0.64, "A": 0.36}),
        "renta": quantiles(stats.lognorm(0.7, scale=90_000), 8_000, 5_000_000, np.float64),
        "pais_residencia": choice({"ES": 0.99, "CH": 0.004, "CL": 0.003, "FR": 0.003}),
        "nomprov": choice(
            {"BARCELONA": 0.25, "MADRID": 0.2, "CORUÑA, A": 0.15, "SEVILLA": 0.2, "ZARAGOZA": 0.2}
        ),
        "segmento": choice(
            {"03 - UNIVERSITARIO": 0.84, "02 - PARTICULARES": 0.15, "01 - TOP": 0.01}
        ),
    }


def chunk(rng: np.random.Generator, rows: int) -> pa.Table:
    """Customers and the products that they own."""
    columns = draw(rng, marginals(), rows)
    active = columns["tiprel_1mes"] == marginals()["tiprel_1mes"].names.index("A")
    chance = rng.random(rows)
    owned = draw_events(rng, log_odds(columns))
    columns["renta"][chance < NO_INCOME] = np.nan
    columns["renta"][chance > 1 - UNKNOWN_INCOME] = -99
    columns["antiguedad"][(chance > 0.5) & (chance < 0.5 + UNKNOWN_TENURE)] = -999_999
    profile = {
        "ncodpers": rng.integers(1, MAX_ID, rows),
        **columns,
        "ind_actividad_cliente": active.astype(np.int8),
    }
    flags = dict(zip(OWNERSHIP, owned.astype(np.int8), strict=True))
    return to_table({**profile, **flags}, marginals())


def log_odds(columns: Columns) -> NDArray[np.float64]:
    """Log-odds of owning each product, shape (n_products, n_rows)."""
    segments = marginals()["segmento"].names
    terms = np.stack(
        [
            np.ones(len(columns["age"])),
            columns["tiprel_1mes"] == marginals()["tiprel_1mes"].names.index("A"),
            (columns["age"] - 25.0) / 10,
            np.log(columns["renta"] / 90_000),
            columns["segmento"] == segments.index("03 - UNIVERSITARIO"),
            columns["age"] < 18,
            columns["segmento"] == segments.index("01 - TOP"),
        ]
    )
    return np.asarray(np.array(list(OWNERSHIP.values())) @ terms, np.float64)
