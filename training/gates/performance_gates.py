"""Gates on performance: discrimination, calibration, and the comparison with the champion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.evaluate.intervals import BesideChance, Interval, Withheld
from training.gates.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scoreline.definition.gate_settings import GateSettings
    from training.evaluate.intervals import Metric
    from training.incumbents.anchor_comparison import AnchorComparison
    from training.incumbents.champion_comparison import ChampionComparison
    from training.incumbents.paired_comparison import PairedComparison


def discrimination(auc: Metric, settings: GateSettings) -> Gate:
    """The lower end of the AUC's interval: on few rows, chance alone can lift the AUC itself."""
    if not isinstance(auc, Interval):
        return Gate(
            "discrimination",
            False,
            f"The test AUC is {_number(auc)}, but it is not shown to reach the minimum of "
            f"{settings.min_auc:g}: {_reason(auc)}.",
            None,
            settings.min_auc,
        )
    passed = auc.low >= settings.min_auc
    return Gate(
        "discrimination",
        passed,
        f"The test AUC is {auc.value:.3f} (95 %: {auc.low:.3f} to {auc.high:.3f}); its lower end "
        f"{'reaches' if passed else 'is below'} the minimum of {settings.min_auc:g}.",
        auc.low,
        settings.min_auc,
    )


def calibration(metrics: Mapping[str, Metric], settings: GateSettings) -> Gate:
    """Slope, intercept and error of the probabilities on the test rows.

    The error fails where it exceeds the mean that chance gives by more than the limit, and also
    what chance gives in one of a hundred samples.
    """
    slope, intercept = metrics["calibration_slope"], metrics["calibration_intercept"]
    error = metrics["calibration_error"]
    assert isinstance(error, BesideChance)  # noqa: S101 - as `evaluate` returns it
    beyond_chance = max(error.value - error.chance, 0.0)
    problems = [
        *_outside("slope", slope, settings.min_slope, settings.max_slope),
        *_outside("intercept", intercept, -settings.max_intercept, settings.max_intercept),
    ]
    if beyond_chance > settings.max_calibration_error and error.value > error.chance_high:
        problems.append(
            f"the calibration error exceeds the {error.chance:.3f} expected by chance by "
            f"{beyond_chance:.3f}, more than {settings.max_calibration_error:g}"
        )
    shown = isinstance(slope, Interval) and isinstance(intercept, Interval)
    verdict = "are calibrated" if shown else "are not shown to be miscalibrated"
    sentence = (
        f"The probabilities are miscalibrated: {'; '.join(problems)}."
        if problems
        else f"The probabilities {verdict} on the test rows: slope {_figure(slope)}, "
        f"intercept {_figure(intercept)}, error {error.value:.3f} ({error.chance:.3f} is expected "
        "by chance)."
    )
    return Gate(
        "calibration", not problems, sentence, beyond_chance, settings.max_calibration_error
    )


def _outside(name: str, figure: Metric, low: float, high: float) -> Iterator[str]:
    """A clause if the figure is shown to lie outside its limits, or cannot be estimated."""
    if figure.value is None:
        yield f"the {name} cannot be estimated: {_reason(figure)}"
    elif isinstance(figure, Interval) and (figure.high < low or figure.low > high):
        yield f"the {name}, {_figure(figure)}, lies outside {low:g} to {high:g}"


def against_champion(comparison: ChampionComparison, settings: GateSettings) -> Gate:
    """Not worse than the champion by more than the margin, by DeLong's paired interval.

    A champion that cannot be compared fails the gate, unless a breaking schema is declared.
    """
    if comparison.paired is None:
        passed = None if settings.breaking or comparison.schema_changes is None else False
        return Gate("champion", passed, f"There is no comparison: {comparison.obstacle}.")
    return _not_worse("champion", "the champion {}", comparison.paired, settings)


def against_anchor(comparison: AnchorComparison | None, settings: GateSettings) -> Gate:
    """The same against the best version that ever served, so that small losses cannot add up.

    An anchor that cannot score rows of this definition any more ends its term. Where its files are
    gone, it ends with an override, which says why.
    """
    if comparison is None:
        return Gate("anchor", None, "No version has served yet that could be the best one so far.")
    if comparison.paired is None:
        sentence = f"The best version so far, {comparison.version}, cannot be compared: "
        sentence += f"{comparison.obstacle}."
        if comparison.retired:
            sentence += " Later versions are compared with this one once it is promoted."
        passed = None if comparison.retired and not comparison.gone else False
        return Gate("anchor", passed, sentence)
    return _not_worse("anchor", "{}, the best version so far,", comparison.paired, settings)


def _not_worse(gate: str, name: str, paired: PairedComparison, settings: GateSettings) -> Gate:
    test = paired.difference
    passed = test.low >= -settings.margin
    ours, theirs = paired.auc["challenger"].value, paired.auc["champion"].value
    verdict = "rules out" if passed else "does not rule out"
    sentence = (
        f"On {paired.rows:,} test rows with {paired.defaults:,} defaults, the AUC is {ours:.4f} "
        f"and that of {name.format(paired.champion)} {theirs:.4f} ({paired.known_rows}). The "
        f"difference of {test.value:+.4f} (95 %: {test.low:+.4f} to {test.high:+.4f}, "
        f"p {paired.p_value:.3f}) {verdict} that the version is more than {settings.margin:g} "
        "worse."
    )
    return Gate(gate, passed, sentence, test.low, -settings.margin)


def _figure(figure: Metric) -> str:
    if isinstance(figure, Interval):
        return f"{figure.value:.3f} (95 %: {figure.low:.3f} to {figure.high:.3f})"
    return f"{_number(figure)} ({_reason(figure)})"


def _number(figure: Metric) -> str:
    return "unknown" if figure.value is None else f"{figure.value:.3f}"


def _reason(figure: Metric) -> str:
    return figure.withheld if isinstance(figure, Withheld) else "it has no interval"
