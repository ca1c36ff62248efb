"""The profit or loss of each loan of a dataset if it is approved, in money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scoreline.core.errors import DatasetError
from scoreline.definition.economics import MAX_MONEY
from training.data.columns import numbers

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from scoreline.definition.economics import Economics

# Key -> its least and largest value, and the rule in words. A good may cost more than it earns.
LIMITS = {
    "profit_of_a_good": (-MAX_MONEY, MAX_MONEY, f"a number within {MAX_MONEY:,.0f}"),
    "loss_given_default": (0.0, 1.0, "a share from 0 to 1"),
    "exposure": (0.0, MAX_MONEY, f"a number from 0 to {MAX_MONEY:,.0f}"),
}


def loan_values(
    economics: Economics, table: pa.Table, y: NDArray[np.int8], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The profit of a good, or less the loss of a default: loss given default times exposure.

    Parameters
    ----------
    y : outcomes of the rows, 1 is default, shape (n_rows,)
    rows : their positions in the table, shape (n_rows,)

    Raises
    ------
    DatasetError
        A column holds text, or a row lacks an amount that its outcome needs.
    """
    goods, defaults = rows[y == 0], rows[y == 1]
    values = np.empty(len(y))
    values[y == 0] = _amounts(economics, "profit_of_a_good", table, goods)
    share = _amounts(economics, "loss_given_default", table, defaults)
    values[y == 1] = -share * _amounts(economics, "exposure", table, defaults)
    return values


def _amounts(
    economics: Economics, key: str, table: pa.Table, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    column = economics.columns.get(key)
    if column is None:
        return np.full(len(rows), getattr(economics, key), np.float64)
    amounts = numbers(table, column, "number")[rows]
    low, high, rule = LIMITS[key]
    invalid = int((~((amounts >= low) & (amounts <= high))).sum())  # missing ones too
    if invalid:
        label = "goods" if key == "profit_of_a_good" else "defaults"
        raise DatasetError(
            f"economics.{key}: {column} must be {rule}, but is not for {invalid:,} {label}"
        )
    return amounts
