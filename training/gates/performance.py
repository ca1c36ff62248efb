"""Gates on how good a version is: by itself, and beside the champion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.gates.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scoreline.definition.gate_settings import GateSettings
    from training.evaluate.intervals import Interval
    from training.gates.against_champion import Beside
    from training.gates.comparison import Comparison


def discrimination(auc: Interval, settings: GateSettings) -> Gate:
    """The lower end of the AUC's interval, for on few rows chance alone can lift the AUC itself."""
    passed = auc.low >= settings.min_auc
    return Gate(
        "discrimination",
        passed,
        f"The test AUC is {auc.value:.3f} (95 %: {auc.low:.3f} to {auc.high:.3f}); its lower end "
        f"{'reaches' if passed else 'stays below'} the minimum of {settings.min_auc:g}.",
        auc.low,
        settings.min_auc,
    )


def calibration(metrics: Mapping[str, Interval], chance: float, settings: GateSettings) -> Gate:
    """Slope, intercept and error of the probabilities on the test rows.

    Parameters
    ----------
    chance : calibration error that chance alone gives
    """
    slope, intercept = metrics["calibration_slope"], metrics["calibration_intercept"]
    beyond = max(metrics["calibration_error"].value - chance, 0.0)
    problems = []
    if slope.high < settings.min_slope or slope.low > settings.max_slope:
        limits = f"{settings.min_slope:g} to {settings.max_slope:g}"
        problems.append(f"the slope, {_figure(slope)}, lies outside {limits}")
    if intercept.low > settings.max_intercept or intercept.high < -settings.max_intercept:
        limit = f"{settings.max_intercept:g}"
        problems.append(f"the intercept, {_figure(intercept)}, is further than {limit} from 0")
    if beyond > settings.max_calibration_error:
        problems.append(
            f"the calibration error is {beyond:.3f} above the {chance:.3f} that chance gives, "
            f"more than {settings.max_calibration_error:g}"
        )
    found = (
        f"slope {_figure(slope)}, intercept {_figure(intercept)}, "
        f"error {metrics['calibration_error'].value:.3f}"
    )
    sentence = (
        f"The probabilities are off: {'; '.join(problems)}."
        if problems
        else f"The probabilities hold on the test rows: {found} (chance gives {chance:.3f})."
    )
    return Gate("calibration", not problems, sentence, beyond, settings.max_calibration_error)


def against_champion(beside: Beside, settings: GateSettings) -> Gate:
    """Not worse than the champion by more than the margin, by DeLong and by the bootstrap.

    A champion that cannot be compared fails the gate, unless a broken schema is declared.
    """
    comparison = beside.comparison
    if comparison is None:
        passed = None if settings.breaking or beside.changes is None else False
        return Gate("champion", passed, f"There is no comparison: {beside.obstacle}.")
    passed = comparison.low >= -settings.margin
    ours, theirs = comparison.auc["challenger"].value, comparison.auc["champion"].value
    test = comparison.difference
    sentence = (
        f"On {_rows(comparison)} its AUC is {ours:.4f}, that of the champion "
        f"{comparison.champion} {theirs:.4f}; the difference of {test.value:+.4f} (95 %: "
        f"{test.low:+.4f} to {test.high:+.4f}, bootstrap {comparison.bootstrap.low:+.4f} to "
        f"{comparison.bootstrap.high:+.4f}, p {comparison.p_value:.3f}) "
        f"{'shows it to be' if passed else 'does not show it to be'} at most "
        f"{settings.margin:g} worse."
    )
    return Gate("champion", passed, sentence, comparison.low, -settings.margin)


def _rows(comparison: Comparison) -> str:
    rows = f"{comparison.rows:,} test rows with {comparison.defaults:,} defaults"
    if not comparison.recorded:
        return f"{rows}, of which the champion may have been trained on some,"
    if comparison.known:
        return f"{rows}, without {comparison.known:,} that the champion was trained on,"
    return f"{rows}, none of which the champion was trained on,"


def _figure(interval: Interval) -> str:
    return f"{interval.value:.3f} (95 %: {interval.low:.3f} to {interval.high:.3f})"
