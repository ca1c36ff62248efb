"""How decisions fall on the groups of the protected features, which never enter the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.sweeps import ELDERLY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from functions.shared.contract import Feature

AGE_GROUPS = ((0, 25), (25, 40), (40, ELDERLY), (ELDERLY, np.inf))


def group_figures(
    feature: Feature,
    values: NDArray[np.str_],
    approved: NDArray[np.bool_],
    y: NDArray[np.int8],
) -> dict[str, dict[str, Any]]:
    """Rows, bad rate, approval rate and adverse impact ratio of each group.

    Parameters
    ----------
    values : of the protected feature as text, shape (n_rows,); numbers are grouped as ages
    approved, y : shape (n_rows,)

    References
    ----------
    Adverse impact ratio: a group's approval rate over the highest one; 29 CFR 1607.4(D) looks
    below 0.8.
    """
    groups = _groups(feature, values)
    rates = {name: float(approved[rows].mean()) for name, rows in groups.items()}
    highest = max(rates.values(), default=0.0)
    return {
        name: {
            "rows": int(rows.sum()),
            "bad_rate": round(float(y[rows].mean()), 6),
            "approval_rate": round(rates[name], 6),
            "adverse_impact_ratio": round(rates[name] / highest, 6) if highest else None,
        }
        for name, rows in groups.items()
    }


def _groups(feature: Feature, values: NDArray[np.str_]) -> dict[str, NDArray[np.bool_]]:
    if feature.type not in ("number", "integer"):
        return {str(name): values == name for name in np.unique(values)}
    numbers = np.array([_number(value) for value in values.tolist()])
    groups = {
        f"{low:g} and over" if high == np.inf else f"{low:g} to {high - 1:g}": (numbers >= low)
        & (numbers < high)
        for low, high in AGE_GROUPS
    }
    return {name: rows for name, rows in groups.items() if rows.any()}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
