"""Figures of a watch, and the limits that a definition sets for them."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# The share of champion's or shadow's scores that a group of bins holds at least.
MIN_GROUP_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Figures of a champion since its promotion.

    Attributes
    ----------
    errors : applications that the champion could not answer although the shadow could
    compared : decisions that the shadow scored too
    mean_difference, difference_sd : score of the champion minus score of the shadow, in points
    score_drift : population stability index of the champion's scores against the shadow's
    """

    decisions: int
    errors: int
    error_rate: float | None
    compared: int
    mean_difference: float | None
    difference_sd: float | None
    score_drift: float | None

    @classmethod
    def from_counts(cls, counts: Mapping[str, Any]) -> Figures:
        """Compute the figures from the counts that predict keeps."""
        decisions, errors, compared, difference, squared = (
            int(counts.get(name, 0))
            for name in ("decisions", "errors", "compared", "difference", "squared_difference")
        )
        mean = difference / compared if compared else None
        return cls(
            decisions=decisions,
            errors=errors,
            error_rate=errors / (decisions + errors) if decisions + errors else None,
            compared=compared,
            mean_difference=mean,
            # Rounding may make the variance of equal differences slightly negative.
            difference_sd=None if mean is None else sqrt(max(0.0, squared / compared - mean**2)),
            score_drift=population_stability(_bins(counts, "shadow"), _bins(counts, "champion")),
        )

    def __str__(self) -> str:
        """The figures as a sentence."""
        text = f"{self.decisions:,} decisions"
        if self.error_rate is not None:
            text += f", error rate {self.error_rate:.1%}"
        if self.score_drift is not None:
            text += f", score drift {self.score_drift:.2f}"
            text += (
                f" (mean difference {self.mean_difference:+.1f} points, {self.compared:,} compared)"
            )
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits in `[watch]` of a definition."""

    minutes: float
    max_error_rate: float
    max_score_drift: float
    min_decisions: int

    def has_enough(self, figures: Figures) -> bool:
        """Whether there are enough decisions to judge the error rate."""
        return figures.decisions + figures.errors >= self.min_decisions

    def broken_by(self, figures: Figures) -> str:
        """The limit that the figures break, in words; empty if they break no limit."""
        rate, drift = figures.error_rate, figures.score_drift
        if rate is not None and self.has_enough(figures) and rate > self.max_error_rate:
            return f"error rate {rate:.1%} is over {self.max_error_rate:.1%}"
        enough = figures.compared >= self.min_decisions
        if drift is not None and enough and drift > self.max_score_drift:
            return f"score drift {drift:.2f} is over {self.max_score_drift:.2f}"
        return ""


def population_stability(before: Mapping[int, int], after: Mapping[int, int]) -> float | None:
    """Population stability index of two histograms, as bin -> count; None if one is empty.

    Neighbouring bins are merged into groups that hold a tenth of either histogram, because the
    index of many small bins is high by chance. Half a count is added to each group, so that the
    logarithm of an empty group exists.

    References
    ----------
    Siddiqi, Credit Risk Scorecards (2006), chapter 9: sum of (a - b) log(a / b) over the shares.

    Examples
    --------
    >>> round(population_stability({0: 500, 1: 500}, {0: 250, 1: 750}), 2)
    0.27
    """
    groups = _groups(before, after)
    totals = [sum(group[side] for group in groups) + len(groups) / 2 for side in (0, 1)]
    if not all(sum(side.values()) for side in (before, after)):
        return None
    shares = [((old + 0.5) / totals[0], (new + 0.5) / totals[1]) for old, new in groups]
    return sum((new - old) * log(new / old) for old, new in shares)


def _groups(before: Mapping[int, int], after: Mapping[int, int]) -> list[tuple[int, int]]:
    """Counts before and after in groups of neighbouring bins; the last group takes the rest."""
    totals = sum(before.values()), sum(after.values())
    groups, old, new = [], 0, 0
    for place in sorted(before.keys() | after.keys()):
        old, new = old + before.get(place, 0), new + after.get(place, 0)
        if old >= MIN_GROUP_SHARE * totals[0] or new >= MIN_GROUP_SHARE * totals[1]:
            groups.append((old, new))
            old = new = 0
    if groups:  # the rest of the highest bins joins the last group
        last = groups.pop()
        groups.append((last[0] + old, last[1] + new))
    return groups


def _bins(counts: Mapping[str, Any], side: str) -> dict[int, int]:
    """Bin -> number of scores, of `champion` or `shadow`."""
    prefix = f"{side} "
    return {
        int(name.removeprefix(prefix)): int(count)
        for name, count in counts.items()
        if name.startswith(prefix)
    }
