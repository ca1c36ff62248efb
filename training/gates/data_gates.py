"""Gates on the data: population shift, and features that leak the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.evaluate.intervals import CONFIDENCE
from training.evaluate.population_stability import critical_psi
from training.gates.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scoreline.definition.gate_settings import GateSettings


def stability(shifts: Mapping[str, Any] | None, obstacle: str, settings: GateSettings) -> Gate:
    """Score and features against the champion's baseline.

    A shift counts where it exceeds the limit and what 95 % of samples stay below, for all features
    together (Bonferroni).

    Parameters
    ----------
    shifts : since the champion's baseline; None where there is no baseline
    obstacle : why there is no baseline; empty where the champion has none
    """
    if shifts is None:
        reason = obstacle or "the champion was trained before baselines were recorded"
        return Gate("stability", None, f"There is no baseline: {reason}.")
    by_name = dict(_shifts(shifts))
    # With many features, one of them exceeds an uncorrected limit by chance.
    confidence = 1 - (1 - CONFIDENCE) / len(by_name)
    large = {
        name: shift["psi"]
        for name, shift in by_name.items()
        if shift["psi"] > max(settings.max_psi, _critical(shift, confidence))
    }
    most = max(by_name, key=lambda name: by_name[name]["psi"])
    highest = float(by_name[most]["psi"])
    limit = f"{settings.max_psi:g}"
    if large:
        named = ", ".join(f"{name} (PSI {value:.2f})" for name, value in large.items())
        sentence = f"The population has shifted from the champion's: {named} exceeds the limit of "
        sentence += f"{limit} and what chance explains."
    else:
        sentence = f"The population matches the champion's: {most} has the largest shift, PSI "
        sentence += f"{highest:.3f}; no shift exceeds {limit} beyond what chance explains."
    return Gate("stability", not large, sentence, highest, settings.max_psi)


def leakage(areas: Mapping[str, float], settings: GateSettings) -> Gate:
    """No single feature separates the classes as only the outcome itself would.

    Parameters
    ----------
    areas : AUC of each feature alone
    """
    limit = settings.max_single_auc
    leaks = {name: area for name, area in areas.items() if area > limit}
    best = max(areas, key=lambda name: areas[name])
    if leaks:
        named = ", ".join(f"{name} (AUC {area:.3f})" for name, area in leaks.items())
        sentence = f"A single feature separates defaults with an AUC over {limit:g}: {named}."
    else:
        sentence = f"No single feature separates defaults with an AUC over {limit:g}; "
        sentence += f"the best is {best} with {areas[best]:.3f}."
    return Gate("leakage", not leaks, sentence, areas[best], limit)


def timing(late: Mapping[str, int], settings: GateSettings) -> Gate:
    """No feature was known only after the decision.

    Parameters
    ----------
    late : column -> number of rows in which its time is later than the decision
    """
    if not settings.decision_time:
        return Gate("timing", None, "The definition names no decision time.")
    problems = {column: rows for column, rows in late.items() if rows}
    sentence = f"No row is dated after {settings.decision_time} in "
    sentence += f"{', '.join(settings.known_times)}."
    if problems:
        named = ", ".join(f"{column} in {rows:,} rows" for column, rows in problems.items())
        sentence = f"Known only after {settings.decision_time}: {named}."
    return Gate("timing", not problems, sentence, float(sum(problems.values())), 0.0)


def _shifts(shifts: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if shifts["score"] is not None:
        yield "the score", shifts["score"]
    yield from shifts["features"].items()


def _critical(shift: Mapping[str, Any], confidence: float) -> float:
    return critical_psi(shift["expected_rows"], shift["actual_rows"], shift["bins"], confidence)
