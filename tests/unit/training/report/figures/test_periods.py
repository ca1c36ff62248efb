"""Periods of time, and the figures of each, which pandas and scikit-learn count as well."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from scoreline.core.contract import Band, Contract, ScoreScale
from tests.unit.training.data.test_stable_order import dataset
from training.evaluate.population_stability import psi
from training.report.figures.periods import by_period, periods, vintages
from training.report.figures.scored_rows import ScoredRows


def instants(*dates):
    return np.array(dates, "datetime64[us]").astype("int64").astype(float)


def test_dates_are_grouped_by_month():
    time = instants("2024-11-30", "2024-12-01", "2025-01-15", "2025-01-16")

    found = {name: rows.tolist() for name, rows in periods(time, dated=True)}

    assert list(found) == ["2024-11", "2024-12", "2025-01"]
    assert found["2025-01"] == [False, False, True, True]


def test_dates_of_one_month_are_grouped_by_day():
    time = instants("2024-11-29", "2024-11-30", "2024-11-30")

    assert [name for name, _ in periods(time, dated=True)] == ["2024-11-29", "2024-11-30"]


def test_many_months_are_put_together():
    time = instants(*(f"{2019 + month // 12}-{month % 12 + 1:02}-10" for month in range(72)))

    found = [name for name, _ in periods(time, dated=True)]

    assert found[0] == "2019-01 to 2019-02"
    assert len(found) == 36


def test_numbers_are_periods_of_their_own_or_ranges():
    few = [name for name, _ in periods(np.array([3.0, 1, 2]), dated=False)]
    many = list(periods(np.arange(600.0), dated=False))

    assert few == ["1", "2", "3"]
    assert many[0][0] == "under 100"
    assert [int(rows.sum()) for _, rows in many] == [100] * 6


DAY = 86_400_000_000


@pytest.fixture
def parts():
    """Scored rows of 2023 to train on, and of early 2024, whose scores drift by the month."""
    rng = np.random.default_rng(1)
    days = {"2023-01-01": 364, "2024-01-01": 90}
    found = []
    for start, length in days.items():
        rows = dataset(rng, 1200)
        time = instants(start) + rng.integers(0, length, 1200) * DAY
        observed = time + rng.choice([200, 400], 1200) * DAY
        log_odds = rng.normal(-1 + (time - time[0]) / DAY / 100, 1)
        y = (rng.random(1200) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)
        found.append((replace(rows, time=time, observed=observed, y=y, dated=True), log_odds))
    contract = Contract(
        "m", "default", "", (), (), ScoreScale(), (Band("approve", 500), Band("decline"))
    )
    return [
        ScoredRows(contract, rows, log_odds, 1 / (1 + np.exp(-log_odds)))
        for rows, log_odds in found
    ]


def test_figures_of_each_month_are_those_of_its_rows_alone(parts):
    fitted, held_out = parts
    months = pd.to_datetime(held_out.rows.time, unit="us").strftime("%Y-%m")

    found = by_period("day", fitted.rows, fitted, held_out)["test"]

    assert [group["group"] for group in found] == ["2024-01", "2024-02", "2024-03"]
    edges = [-np.inf, *np.quantile(fitted.scores, np.arange(0.1, 1, 0.1), method="inverted_cdf")]
    for group in found:
        rows = months == group["group"]
        y, probability = held_out.y[rows], held_out.probability[rows]
        counts = [
            np.histogram(s, [*(np.array(edges) + 0.5), np.inf])[0]
            for s in (fitted.scores, held_out.scores[rows])
        ]
        assert group["rows"] == rows.sum()
        assert group["auc"]["value"] == pytest.approx(roc_auc_score(y, probability), rel=1e-5)
        ratio = group["observed_to_expected"]
        assert ratio["value"] == pytest.approx(y.sum() / probability.sum(), rel=1e-5)
        assert ratio["low"] < ratio["value"] < ratio["high"]
        assert group["stability"]["psi"] == pytest.approx(psi(*counts), rel=1e-5)


def test_vintages_are_counted_by_month_and_age(parts):
    fitted, held_out = (part.rows for part in parts)
    frame = pd.DataFrame(
        {
            name: np.concatenate([getattr(part, name) for part in (fitted, held_out)])
            for name in ("time", "observed", "y")
        }
    )
    decided, observed = (pd.to_datetime(frame[name], unit="us") for name in ("time", "observed"))
    frame["month"] = decided.dt.strftime("%Y-%m")
    frame["age"] = 12 * (observed.dt.year - decided.dt.year) + observed.dt.month - decided.dt.month
    expected = frame.groupby(["month", "age"])["y"].agg(["size", "mean"])

    found = vintages(fitted, held_out)

    for vintage, ((month, age), row) in zip(found, expected.iterrows(), strict=True):
        assert (vintage["group"], vintage["from_months"], vintage["to_months"]) == (month, age, age)
        if row["size"] < 30:
            assert vintage["rows"] is None
            continue
        assert vintage["rows"] == row["size"]
        assert vintage["bad_rate"]["value"] == pytest.approx(row["mean"], rel=1e-5)
    assert vintages(replace(fitted, observed=None), held_out) is None


def test_many_ages_are_put_together(parts):
    fitted, held_out = (part.rows for part in parts)
    observed = fitted.time + 40 * DAY * np.arange(1200) % (3000 * DAY)

    found = vintages(replace(fitted, observed=observed), held_out)

    assert 60 < len(found) <= 120
    assert found[0]["to_months"] > found[0]["from_months"]


def test_small_groups_have_no_figures(parts):
    fitted, held_out = (part.rows.take(np.arange(40)) for part in parts)

    assert {vintage["rows"] for vintage in vintages(fitted, held_out)} == {None}
