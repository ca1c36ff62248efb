"""Rules for score, bands, risk levels and the reason catalogue of a credit model."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scoreline.core.contract import Band, Reason, RiskLevel, ScoreScale
    from scoreline.definition.problems import Problem

DECISIONS = ("approve", "refer", "decline")


def check_score(score: ScoreScale) -> Iterable[Problem]:
    """Odds and points to double them are positive."""
    for key in ("pdo", "base_odds"):
        if getattr(score, key) <= 0:
            yield key, "must be above 0"


def check_bands(bands: Sequence[Band]) -> Iterable[Problem]:
    """Cutoffs fall from approve to decline, and the last band takes all other scores."""
    if bands[-1].min_score is not None:
        yield "", "the last one must have no min_score"
    if not _falls([band.min_score for band in bands[:-1]]):
        yield "", "every min_score must be below the one before it"
    if not _falls([-DECISIONS.index(band.decision) for band in bands]):
        yield "", "must go from approve to refer to decline, each at most once"


def check_risk_levels(levels: Sequence[RiskLevel]) -> Iterable[Problem]:
    """Bounds rise, and the last level takes all higher probabilities."""
    if levels[-1].max_probability is not None:
        yield "", "the last one must have no max_probability"
    if not _falls([level.max_probability and -level.max_probability for level in levels[:-1]]):
        yield "", "every max_probability must be above the one before it"
    if any(not 0 < (level.max_probability or 0.5) < 1 for level in levels):
        yield "", "a max_probability lies between 0 and 1"
    if len({level.name for level in levels}) != len(levels):
        yield "", "a name is given twice"


def _falls(values: Sequence[float | None]) -> bool:
    """Whether every value is given and below the one before it."""
    numbers = [value for value in values if value is not None]
    return len(numbers) == len(values) and all(a > b for a, b in pairwise(numbers))


def check_reasons(reasons: Sequence[Reason], sources: Sequence[str]) -> Iterable[Problem]:
    """A catalogue, if there is one, has each of the model's features in exactly one reason."""
    if not reasons:
        return
    named = Counter(name for reason in reasons for name in reason.features)
    for name in sources:
        if named[name] != 1:
            yield "reasons", f"{name} must be in one reason, but is in {named[name]}"
    for name in sorted(named.keys() - set(sources)):
        yield "reasons", f"{name} is not a feature of the model"
    for code, count in Counter(reason.code for reason in reasons).items():
        if count > 1:
            yield f"reasons.{code}", f"the code is given {count} times"
    languages = reasons[0].text.keys()
    for reason in reasons:
        texts = [reason.text, *([reason.missing] if reason.missing is not None else [])]
        if not languages or any(text.keys() != languages for text in texts):
            yield f"reasons.{reason.code}", "must have the languages of the first reason"
