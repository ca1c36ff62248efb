"""Gates on the data: whether the population has moved, and whether a feature knows too much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.evaluate.intervals import CONFIDENCE
from training.evaluate.population_stability import critical_psi
from training.gates.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scoreline.definition.gate_settings import GateSettings


def stability(moved: Mapping[str, Any] | None, obstacle: str, settings: GateSettings) -> Gate:
    """Score and features against the champion's baseline.

    A shift counts where it is over the limit and over what 95 % of samples stay below, all features
    together (Bonferroni).

    Parameters
    ----------
    moved : shifts since the champion's baseline, None where there is none for the reason `obstacle`
    """
    if moved is None:
        why = obstacle or "the champion is older than baselines"
        return Gate("stability", None, f"There is no baseline: {why}.")
    shifts = dict(_shifts(moved))
    confidence = 1 - (1 - CONFIDENCE) / len(shifts)
    far = {
        name: shift["psi"]
        for name, shift in shifts.items()
        if shift["psi"] > max(settings.max_psi, _critical(shift, confidence))
    }
    most = max(shifts, key=lambda name: shifts[name]["psi"])
    highest = float(shifts[most]["psi"])
    if far:
        named = ", ".join(f"{name} (PSI {value:.2f})" for name, value in far.items())
        sentence = f"The population is not the champion's: {named} moved by over "
        sentence += f"{settings.max_psi:g}, which chance does not explain."
    else:
        sentence = f"The population is the champion's: {most} moved most, by PSI {highest:.3f}, "
        sentence += f"and nothing by over {settings.max_psi:g} that chance does not explain."
    return Gate("stability", not far, sentence, highest, settings.max_psi)


def leakage(areas: Mapping[str, float], settings: GateSettings) -> Gate:
    """No feature separates the classes alone as only the outcome itself would."""
    limit = settings.max_single_auc
    told = {name: area for name, area in areas.items() if area > limit}
    best = max(areas, key=lambda name: areas[name])
    if told:
        named = ", ".join(f"{name} (AUC {area:.3f})" for name, area in told.items())
        sentence = f"Alone it separates defaults with an AUC over {limit:g}: {named}."
    else:
        sentence = f"No feature separates defaults alone with an AUC over {limit:g}; "
        sentence += f"the best is {best} with {areas[best]:.3f}."
    return Gate("leakage", not told, sentence, areas[best], limit)


def timing(late: Mapping[str, int], settings: GateSettings) -> Gate:
    """Nothing that the model knows dates from after the decision."""
    if not settings.decision_time:
        return Gate("timing", None, "The definition names no time of the decision.")
    problems = {column: rows for column, rows in late.items() if rows}
    sentence = f"No row has a later time than {settings.decision_time} in "
    sentence += f"{', '.join(settings.known_times)}."
    if problems:
        named = ", ".join(f"{column} in {rows:,} rows" for column, rows in problems.items())
        sentence = f"Known only after {settings.decision_time}: {named}."
    return Gate("timing", not problems, sentence, float(sum(problems.values())), 0.0)


def _shifts(moved: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if moved["score"] is not None:
        yield "the score", moved["score"]
    yield from moved["features"].items()


def _critical(shift: Mapping[str, Any], confidence: float) -> float:
    return critical_psi(shift["expected_rows"], shift["actual_rows"], shift["bins"], confidence)
