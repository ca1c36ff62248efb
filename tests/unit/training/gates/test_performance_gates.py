import numpy as np
import pytest

from scoreline.definition.gate_settings import GateSettings
from training.evaluate.intervals import Interval, Withheld
from training.evaluate.metrics import evaluate
from training.gates.performance_gates import against_champion, calibration, discrimination
from training.incumbents.champion_comparison import ChampionComparison
from training.incumbents.paired_comparison import compare_on_same_rows

SETTINGS = GateSettings()


@pytest.mark.parametrize(("low", "passed"), [(0.6, True), (0.599, False)])
def test_the_lower_end_of_the_auc_has_to_reach_the_minimum(low, passed):
    gate = discrimination(Interval(0.7, low, 0.8), SETTINGS)

    assert (gate.passed, gate.value, gate.threshold) == (passed, low, 0.6)
    assert "0.700" in gate.sentence


def outcomes(log_odds, rng):
    return (rng.random(len(log_odds)) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)


def judged(stated, true, rng):
    """The gate on stated log-odds, where the true ones are others."""
    y, probability = outcomes(true, rng), 1 / (1 + np.exp(-stated))
    return calibration(evaluate(y, probability), SETTINGS)


@pytest.mark.parametrize("rows", [300, 4000])
def test_probabilities_that_are_right_pass_on_few_rows_and_on_many(rows):
    rng = np.random.default_rng(1)
    log_odds = rng.normal(-1.5, 1.2, rows)

    gate = judged(log_odds, log_odds, rng)

    assert gate.passed
    assert "are calibrated" in gate.sentence


@pytest.mark.parametrize(
    ("change", "word"),
    [
        pytest.param(lambda z: 2 * z, "slope", id="too sure"),
        pytest.param(lambda z: z + 0.8, "intercept", id="too high"),
        pytest.param(lambda z: z - 0.8, "intercept", id="too low"),
        pytest.param(lambda z: np.full(len(z), -0.5), "error", id="one for all"),
    ],
)
def test_probabilities_that_are_off_fail(change, word):
    rng = np.random.default_rng(1)
    log_odds = rng.normal(-1.5, 1.2, 4000)

    gate = judged(change(log_odds), log_odds, rng)

    assert not gate.passed
    assert word in gate.sentence


def test_the_error_of_chance_is_that_of_drawn_outcomes():
    rng = np.random.default_rng(1)
    log_odds = rng.normal(-1, 1, 1000)
    p = 1 / (1 + np.exp(-log_odds))
    bins = np.array_split(np.argsort(p), 10)
    drawn = [outcomes(log_odds, rng) for _ in range(400)]
    errors = [np.mean([abs(y[b].mean() - p[b].mean()) for b in bins]) for y in drawn]

    found = evaluate(drawn[0], p)["calibration_error"]

    assert found.chance == pytest.approx(np.mean(errors), rel=0.05)
    assert found.chance_high == pytest.approx(np.quantile(errors, 0.99), rel=0.1)


def test_without_an_interval_the_minimum_is_not_shown():
    gate = discrimination(Withheld(0.9, "fewer than 30 defaults"), SETTINGS)

    assert gate.passed is False
    assert "0.900" in gate.sentence
    assert "fewer than 30 defaults" in gate.sentence


def test_a_slope_that_cannot_be_estimated_is_no_pass():
    y = np.repeat([0, 1], 60).astype(np.int8)

    gate = calibration(evaluate(y, np.linspace(0.01, 0.99, 120)), SETTINGS)

    assert gate.passed is False
    assert "the slope cannot be estimated: the values separate the classes" in gate.sentence


def test_few_rows_do_not_show_that_probabilities_are_calibrated():
    log_odds = np.linspace(-2, 2, 40)
    few = calibration(
        evaluate(outcomes(log_odds, np.random.default_rng(1)), 1 / (1 + np.exp(-log_odds))),
        SETTINGS,
    )

    assert few.passed
    assert few.sentence.startswith("The probabilities are not shown to be miscalibrated")


def scored(rows, rng, *, better=0.0):
    """Outcomes, and log-odds of a champion and of a challenger that is better informed."""
    truth = rng.normal(-1, 1.2, rows)
    y = outcomes(truth, rng)
    noise = rng.normal(0, 1, rows)
    return y, truth + noise, truth + (1 - better) * noise


def gate_of(*compared, **settings):
    comparison = compare_on_same_rows(
        "v1", *compared, known=0, known_rows="it was trained on none of them"
    )
    return against_champion(
        ChampionComparison(comparison, schema_changes=[]), GateSettings(**settings)
    )


def test_a_better_challenger_passes_and_a_worse_one_fails():
    rng = np.random.default_rng(1)
    y, champion, challenger = scored(4000, rng, better=0.5)

    assert gate_of(y, champion, challenger).passed
    gate = gate_of(y, challenger, champion)
    assert not gate.passed
    assert "does not rule out that the version is more than 0.01 worse" in gate.sentence


def test_an_equal_challenger_passes_where_there_are_rows_enough_for_the_margin():
    rng = np.random.default_rng(2)
    y, champion, _ = scored(4000, rng)
    challenger = champion + rng.normal(0, 0.1, len(y))

    assert gate_of(y, champion, challenger).passed
    assert not gate_of(y[:150], champion[:150], challenger[:150], margin=1e-4).passed


def test_the_same_model_is_not_worse_on_however_few_rows():
    y, champion, _ = scored(60, np.random.default_rng(3))

    gate = gate_of(y, champion, champion)

    assert (gate.passed, gate.value) == (True, 0.0)


@pytest.mark.parametrize(
    ("comparison", "breaking", "passed"),
    [
        pytest.param(ChampionComparison(), False, None, id="no champion"),
        pytest.param(
            ChampionComparison(schema_changes=[], obstacle="no column"),
            False,
            False,
            id="not comparable",
        ),
        pytest.param(
            ChampionComparison(schema_changes=["x: new"], obstacle="no"), True, None, id="breaking"
        ),
    ],
)
def test_without_a_comparison_it_passes_only_for_a_reason(comparison, breaking, passed):
    gate = against_champion(comparison, GateSettings(breaking=breaking))

    assert gate.passed is passed
    assert comparison.obstacle in gate.sentence
