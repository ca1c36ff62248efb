"""Gates on what a version promises: directions, the fairness report, the requests that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.gates.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scoreline.definition.gate_settings import GateSettings


def monotonicity(reversals: Mapping[str, float], settings: GateSettings) -> Gate:
    """Every directed feature holds its direction, what is derived from it included."""
    if not reversals:
        return Gate("monotonicity", None, "The definition gives no feature a direction.")
    limit = settings.max_reversal
    wrong = {name: size for name, size in reversals.items() if size > limit}
    sentence = f"All {len(reversals)} directed features hold their direction."
    if wrong:
        named = ", ".join(f"{name} by {size:.2g}" for name, size in wrong.items())
        sentence = f"The log-odds move against the direction of {named}; look at derived features."
    return Gate("monotonicity", not wrong, sentence, max(reversals.values()), limit)


def fairness(protected: Sequence[str], report: Mapping[str, Any]) -> Gate:
    """The report has the figures of every protected feature."""
    if not protected:
        return Gate("fairness", None, "The definition names no protected feature to report on.")
    missing = [name for name in protected if not report.get(name)]
    sentence = f"The fairness report has the groups of {', '.join(protected)}."
    if missing:
        sentence = f"The fairness report lacks {', '.join(missing)}."
    found = float(len(protected) - len(missing))
    return Gate("fairness", not missing, sentence, found, float(len(protected)))


def schema(changes: Sequence[str] | None, settings: GateSettings) -> Gate:
    """Whoever sends what the champion takes is answered still.

    Parameters
    ----------
    changes : that break clients; None where nothing serves yet
    """
    if changes is None:
        return Gate("schema", None, "Nothing serves yet that clients could rely on.")
    count = float(len(changes))
    if not changes:
        return Gate("schema", True, "It takes every request that the champion takes.", 0.0, 0.0)
    sentence = f"It refuses requests that the champion takes: {'; '.join(changes)}."
    if settings.breaking:
        sentence += " The definition declares that."
    return Gate("schema", settings.breaking, sentence, count, 0.0)
