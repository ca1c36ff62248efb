"""Gates on performance: discrimination, calibration, and the comparison with the champion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.gates.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scoreline.definition.gate_settings import GateSettings
    from training.evaluate.intervals import Interval
    from training.gates.champion_comparison import ChampionComparison
    from training.gates.paired_comparison import PairedComparison


def discrimination(auc: Interval, settings: GateSettings) -> Gate:
    """The lower end of the AUC's interval: on few rows, chance alone can lift the AUC itself."""
    passed = auc.low >= settings.min_auc
    return Gate(
        "discrimination",
        passed,
        f"The test AUC is {auc.value:.3f} (95 %: {auc.low:.3f} to {auc.high:.3f}); its lower end "
        f"{'reaches' if passed else 'is below'} the minimum of {settings.min_auc:g}.",
        auc.low,
        settings.min_auc,
    )


def calibration(metrics: Mapping[str, Interval], chance: float, settings: GateSettings) -> Gate:
    """Slope, intercept and error of the probabilities on the test rows.

    Parameters
    ----------
    chance : calibration error to be expected by chance alone
    """
    slope, intercept = metrics["calibration_slope"], metrics["calibration_intercept"]
    error = metrics["calibration_error"].value
    beyond_chance = max(error - chance, 0.0)
    problems = []
    # Whole intervals must lie outside the limits, so that few test rows alone fail no version.
    if slope.high < settings.min_slope or slope.low > settings.max_slope:
        limits = f"{settings.min_slope:g} to {settings.max_slope:g}"
        problems.append(f"the slope, {_figure(slope)}, lies outside {limits}")
    if intercept.low > settings.max_intercept or intercept.high < -settings.max_intercept:
        limit = f"{settings.max_intercept:g}"
        problems.append(f"the intercept, {_figure(intercept)}, is further than {limit} from 0")
    if beyond_chance > settings.max_calibration_error:
        problems.append(
            f"the calibration error exceeds the {chance:.3f} expected by chance by "
            f"{beyond_chance:.3f}, more than {settings.max_calibration_error:g}"
        )
    sentence = (
        f"The probabilities are miscalibrated: {'; '.join(problems)}."
        if problems
        else f"The probabilities are calibrated on the test rows: slope {_figure(slope)}, "
        f"intercept {_figure(intercept)}, error {error:.3f} ({chance:.3f} is expected by chance)."
    )
    limit_beyond_chance = settings.max_calibration_error
    return Gate("calibration", not problems, sentence, beyond_chance, limit_beyond_chance)


def against_champion(comparison: ChampionComparison, settings: GateSettings) -> Gate:
    """Not worse than the champion by more than the margin, by DeLong and by the bootstrap.

    A champion that cannot be compared fails the gate, unless a breaking schema is declared.
    """
    paired = comparison.paired
    if paired is None:
        passed = None if settings.breaking or comparison.schema_changes is None else False
        return Gate("champion", passed, f"There is no comparison: {comparison.obstacle}.")
    passed = paired.low >= -settings.margin
    ours, theirs = paired.auc["challenger"].value, paired.auc["champion"].value
    test, bootstrap = paired.difference, paired.bootstrap
    sentence = (
        f"On {_rows(paired)}, the AUC is {ours:.4f} and that of the champion {paired.champion} "
        f"{theirs:.4f}. The difference of {test.value:+.4f} (95 %: {test.low:+.4f} to "
        f"{test.high:+.4f}, bootstrap {bootstrap.low:+.4f} to {bootstrap.high:+.4f}, p "
        f"{paired.p_value:.3f}) {'rules out' if passed else 'does not rule out'} that the version "
        f"is more than {settings.margin:g} worse."
    )
    return Gate("champion", passed, sentence, paired.low, -settings.margin)


def _rows(paired: PairedComparison) -> str:
    rows = f"{paired.rows:,} test rows with {paired.defaults:,} defaults"
    if not paired.recorded:
        return f"{rows} (the champion may have been trained on some of them)"
    if paired.known:
        return f"{rows} ({paired.known:,} that the champion was trained on are left out)"
    return f"{rows} (none of which the champion was trained on)"


def _figure(interval: Interval) -> str:
    return f"{interval.value:.3f} (95 %: {interval.low:.3f} to {interval.high:.3f})"
