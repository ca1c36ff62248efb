"""Decisions by group of the protected features, which never enter the model."""

from __future__ import annotations

from dataclasses import asdict
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.arrow.columns import NULLS
from training.evaluate.group_differences import (
    rate_difference,
    rate_ratio,
    standardised_mean_difference,
)
from training.evaluate.weighting import weighted_mean
from training.gates.sweeps import ELDERLY
from training.report.figures.rounding import rounded
from training.report.figures.scored_rows import MIN_GROUP_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from scoreline.core.features import Feature
    from training.evaluate.intervals import Interval
    from training.report.figures.scored_rows import ScoredRows

    type Groups = Mapping[str, NDArray[np.bool_]]

AGE_GROUPS = ((0, 25), (25, 40), (40, ELDERLY), (ELDERLY, np.inf))
NOT_GIVEN = "not given"
MIN_OF_CLASS = 10
# 29 CFR 1607.4(A) asks for no comparison of groups of less than 2 %. A few lucky rows as the
# reference would make every interval so wide that it shows nothing.
MIN_REFERENCE_SHARE = 0.02


def protected_groups(features: Iterable[Feature], held_out: ScoredRows) -> dict[str, Groups]:
    """Protected feature -> group -> its rows; numbers are grouped by age range."""
    return {f.name: _groups(f, held_out.rows.protected[f.name]) for f in features}


def fairness(held_out: ScoredRows, groups: Mapping[str, Groups]) -> dict[str, dict[str, Any]]:
    """Protected feature -> figures of each group, see `group_figures`."""
    return {name: group_figures(held_out, of_one) for name, of_one in groups.items()}


def intersections(held_out: ScoredRows, groups: Mapping[str, Groups]) -> dict[str, dict[str, Any]]:
    """Figures of the groups that two protected features form together."""
    return {
        f"{one} and {other}": group_figures(held_out, _crossed(groups[one], groups[other]))
        for one, other in combinations(groups, 2)
    }


def group_figures(held_out: ScoredRows, groups: Groups) -> dict[str, dict[str, Any]]:
    """Rows, rates, and differences from the group with the highest approval rate, with intervals.

    Groups of under 30 rows have no figures, not even their size. The group that the others are
    compared with also has 2 % of the rows, if there is one that has.

    References
    ----------
    Adverse impact ratio, the approval rate over the highest one: 29 CFR 1607.4(D) takes a ratio
    below 0.8 as evidence of adverse impact. Equal opportunity, the difference in approval among
    those who do not default: Hardt, Price and Srebro (NIPS 2016).
    """
    approved = held_out.decisions == "approve"
    # Even the size of a small group could identify its members.
    large = {name: rows for name, rows in groups.items() if rows.sum() >= MIN_GROUP_ROWS}
    enough = MIN_REFERENCE_SHARE * sum(rows.sum() for rows in groups.values())
    common = [name for name in large if large[name].sum() >= enough] or list(large)
    rates = {name: _rate(*held_out.tally(approved, large[name])) for name in common}
    best = max(common, key=lambda name: rates[name], default="")
    found: dict[str, dict[str, Any]] = {name: {"rows": None} for name in groups}
    for name, rows in large.items():
        figures = _figures(held_out, approved, rows, large[best])
        found[name] = {"rows": int(rows.sum()), "reference": name == best, **figures}
    return rounded(found)


def _figures(
    held_out: ScoredRows,
    approved: NDArray[np.bool_],
    rows: NDArray[np.bool_],
    compared: NDArray[np.bool_],
) -> dict[str, Any]:
    good, scores, weight = held_out.y == 0, held_out.scores, held_out.weight
    passed, compared_passed = (held_out.tally(approved, group) for group in (rows, compared))
    weights = None if held_out.weighting.even else (weight[rows], weight[compared])
    figures: dict[str, Interval | None] = {
        "adverse_impact_ratio": rate_ratio(*passed, *compared_passed),
        "score_difference": standardised_mean_difference(scores[rows], scores[compared], weights),
        "equal_opportunity": None,
    }
    goods = rows & good, compared & good
    if min(group.sum() for group in goods) >= MIN_OF_CLASS:
        own, others = (held_out.tally(approved, group) for group in goods)
        figures["equal_opportunity"] = rate_difference(*own, *others)
    return {
        "bad_rate": weighted_mean(~good[rows], weight[rows]),
        "probability": weighted_mean(held_out.probability[rows], weight[rows]),
        "approval_rate": _rate(*passed),
        **({} if weights is None else {"effective_rows": passed[1]}),
        **{name: interval and asdict(interval) for name, interval in figures.items()},
    }


def _rate(passed: float, n: float) -> float:
    return passed / n


def _crossed(one: Groups, other: Groups) -> Groups:
    crossed = {
        f"{name}, {second}": rows & and_rows
        for name, rows in one.items()
        for second, and_rows in other.items()
    }
    return {name: rows for name, rows in crossed.items() if rows.any()}


def _groups(feature: Feature, values: NDArray[np.str_]) -> Groups:
    if feature.type not in ("number", "integer"):
        missing = {*NULLS, "None"} - set(feature.categories)
        named = np.char.strip(values)
        named = np.where(np.isin(named, sorted(missing)), NOT_GIVEN, named)
        return {str(name): named == name for name in np.unique(named)}
    numbers = np.array([_number(value) for value in values.tolist()])
    # A code such as 999 for an unknown age says nothing about it.
    known = np.isfinite(numbers) & (numbers >= 0) & ~np.isin(numbers, feature.specials)
    groups = {
        _age_range(low, high): known & (numbers >= low) & (numbers < high)
        for low, high in AGE_GROUPS
    }
    groups[NOT_GIVEN] = ~known
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
