"""How decisions fall on the groups of the protected features, which never enter the model."""

from __future__ import annotations

from dataclasses import asdict
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from training.evaluate.group_differences import (
    rate_difference,
    rate_ratio,
    standardised_mean_difference,
)
from training.gates.sweeps import ELDERLY
from training.report.figures.held_out import TOO_SMALL
from training.report.figures.rounding import rounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from scoreline.core.contract import Feature
    from training.evaluate.intervals import Interval
    from training.report.figures.held_out import HeldOut

    type Groups = Mapping[str, NDArray[np.bool_]]

AGE_GROUPS = ((0, 25), (25, 40), (40, ELDERLY), (ELDERLY, np.inf))
NOT_GIVEN = "not given"
MIN_OF_CLASS = 10


def protected_groups(features: Iterable[Feature], held_out: HeldOut) -> dict[str, Groups]:
    """Protected feature -> group -> its rows; numbers are grouped as ages."""
    return {f.name: _groups(f, held_out.rows.protected[f.name]) for f in features}


def fairness(held_out: HeldOut, groups: Mapping[str, Groups]) -> dict[str, dict[str, Any]]:
    """Figures of every group of each protected feature, see `group_figures`."""
    return {name: group_figures(held_out, of_one) for name, of_one in groups.items()}


def intersections(held_out: HeldOut, groups: Mapping[str, Groups]) -> dict[str, dict[str, Any]]:
    """Figures of the groups that two protected features make together."""
    return {
        f"{one} and {other}": group_figures(held_out, _crossed(groups[one], groups[other]))
        for one, other in combinations(groups, 2)
    }


def group_figures(held_out: HeldOut, groups: Groups) -> dict[str, dict[str, Any]]:
    """Rows, rates, and the distances from the group that is approved most, each with an interval.

    Among groups of at least 30 rows; of a smaller one there is nothing, its size included.

    References
    ----------
    Adverse impact ratio, approval rate over the highest one: 29 CFR 1607.4(D) looks below 0.8; its
    interval on the log scale: Katz et al., Biometrics 34 (1978). Standardised mean difference of
    the scores and its interval: Hedges and Olkin, Statistical Methods for Meta-Analysis (1985).
    Equal opportunity, the difference in approval among those who do not default: Hardt, Price and
    Srebro (NIPS 2016); its interval: Newcombe, Statistics in Medicine 17 (1998), method 10.
    """
    approved = held_out.decisions == "approve"
    large = {name: rows for name, rows in groups.items() if rows.sum() >= TOO_SMALL}
    best = max(large, key=lambda name: float(approved[large[name]].mean()), default="")
    found: dict[str, dict[str, Any]] = {name: {"rows": None} for name in groups}
    for name, rows in large.items():
        figures = _figures(held_out, approved, rows, large[best])
        found[name] = {"rows": int(rows.sum()), "reference": name == best, **figures}
    return rounded(found)


def _figures(
    held_out: HeldOut,
    approved: NDArray[np.bool_],
    rows: NDArray[np.bool_],
    compared: NDArray[np.bool_],
) -> dict[str, Any]:
    y, good, scores = held_out.y, held_out.y == 0, held_out.scores
    passed, passed_there = _tally(approved[rows]), _tally(approved[compared])
    chance, chance_there = _tally(approved[rows & good]), _tally(approved[compared & good])
    figures: dict[str, Interval | None] = {
        "adverse_impact_ratio": rate_ratio(*passed, *passed_there),
        "score_difference": standardised_mean_difference(scores[rows], scores[compared]),
        "equal_opportunity": None,
    }
    if min(chance[1], chance_there[1]) >= MIN_OF_CLASS:
        figures["equal_opportunity"] = rate_difference(*chance, *chance_there)
    return {
        "bad_rate": float(y[rows].mean()),
        "probability": float(held_out.probability[rows].mean()),
        "approval_rate": passed[0] / passed[1],
        **{name: interval and asdict(interval) for name, interval in figures.items()},
    }


def _tally(flags: NDArray[np.bool_]) -> tuple[int, int]:
    """How many are true, and how many there are."""
    return int(flags.sum()), len(flags)


def _crossed(one: Groups, other: Groups) -> Groups:
    crossed = {
        f"{name}, {second}": rows & and_rows
        for name, rows in one.items()
        for second, and_rows in other.items()
    }
    return {name: rows for name, rows in crossed.items() if rows.any()}


def _groups(feature: Feature, values: NDArray[np.str_]) -> Groups:
    if feature.type not in ("number", "integer"):
        named = np.where(values == "None", NOT_GIVEN, values)
        return {str(name): named == name for name in np.unique(named)}
    numbers = np.array([_number(value) for value in values.tolist()])
    groups = {
        _age_range(low, high): (numbers >= low) & (numbers < high) for low, high in AGE_GROUPS
    }
    groups[NOT_GIVEN] = np.isnan(numbers)
    return {name: rows for name, rows in groups.items() if rows.any()}


def _age_range(low: float, high: float) -> str:
    if not low:
        return f"under {high:g}"
    return f"{low:g} and over" if high == np.inf else f"{low:g} to {high - 1:g}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
