"""No figure depends on the order of the rows, not even its last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreline.core.features import Feature
from tests.answered import answered
from training.evaluate.classification import classification
from training.evaluate.delong import auc_figure, compare_auc
from training.evaluate.group_differences import standardised_mean_difference
from training.evaluate.metrics import METRICS, evaluate
from training.evaluate.population_stability import baseline, shifts
from training.evaluate.ranking import evaluate_ranking
from training.report.figures.bands import score_bands
from training.report.figures.curves import curves
from training.report.figures.fairness import fairness, intersections, protected_groups
from training.report.figures.segments import figures

SEX, REGION = (Feature(name=name, type="category") for name in ("sex", "region"))


@st.composite
def samples(draw):
    """Outcomes and tied probabilities of both classes, and the same rows in another order."""
    rng = np.random.default_rng(draw(st.integers(0, 100_000)))
    rows = draw(st.integers(80, 300))
    levels = draw(st.sampled_from([3, 12, 1000]))
    p = rng.choice(rng.uniform(0.01, 0.7, levels), rows)
    y = (rng.random(rows) < p).astype(np.int8)
    y[:2] = 0, 1
    return y, p, rng.permutation(rows), rng


@given(samples())
def test_metrics_are_the_same(sample):
    y, p, other, _ = sample

    assert evaluate(y, p) == evaluate(y[other], p[other])
    for metric in METRICS.values():
        assert metric(y, p) == metric(y[other], p[other])
    assert auc_figure(y, p) == auc_figure(y[other], p[other])


@given(samples())
def test_differences_are_the_same(sample):
    y, p, other, rng = sample
    second = p + rng.normal(0, 0.1, len(p))

    assert compare_auc(y, p, second) == compare_auc(y[other], p[other], second[other])
    scores = np.round(1000 * p).astype(np.int64)
    assert standardised_mean_difference(scores, scores[:40]) == standardised_mean_difference(
        scores[other], scores[:40][::-1]
    )


@given(samples())
def test_rankings_are_the_same(sample):
    _, _, other, rng = sample
    owned = rng.integers(0, 2, (len(other), 5)).astype(np.int8)
    p = rng.choice([0.1, 0.2, 0.5], owned.shape)

    one = evaluate_ranking(owned, p, np.linspace(0.1, 0.5, 5), 3)
    assert one == evaluate_ranking(owned[other], p[other], np.linspace(0.1, 0.5, 5), 3)


@pytest.mark.slow
@given(samples())
def test_figures_of_the_report_are_the_same(sample):
    y, p, other, rng = sample
    protected = {"sex": rng.choice(["f", "m"], len(y)), "region": rng.choice(["n", "s"], len(y))}

    found = [_report(y, p, protected, rows) for rows in (np.arange(len(y)), other)]

    assert found[0] == found[1]


def _report(y, p, protected, rows):
    scores = np.round(540 - 30 * np.log(p / (1 - p)))[rows]
    held_out = answered(
        scores,
        y[rows],
        protected={name: values[rows] for name, values in protected.items()},
        probability=p[rows],
    )
    groups = protected_groups([SEX, REGION], held_out)
    points = baseline(held_out.contract, held_out.rows.X, scores)
    return {
        "curves": curves(held_out),
        "bands": score_bands(held_out),
        "classification": classification(held_out.contract, held_out.log_odds, held_out.y),
        "fairness": fairness(held_out, groups),
        "intersections": intersections(held_out, groups),
        "segments": list(figures(held_out, groups["sex"].items())),
        "baseline": points,
        "shifts": shifts(points, held_out.contract, held_out.rows.X, scores),
    }
