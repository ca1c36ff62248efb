import numpy as np
import pytest

from scoreline.core.features import DerivedFeature, Feature
from tests.answered import answered
from training.evaluate.delong import auc_interval
from training.evaluate.score_counts import ScoreCounts
from training.report.figures.groups import groups_of
from training.report.figures.segments import figures, segment_names, segments


def named(groups):
    return {name: np.flatnonzero(rows).tolist() for name, rows in groups}


def test_an_amount_is_grouped_by_quantiles_and_its_states_apart():
    income = Feature(name="income", type="number", special_codes={"no_record": -99.0})
    values = np.array([10, 20, 30, 40, 50, 60, -99, np.nan], np.float32)

    found = named(groups_of(income, values, 3))

    assert found == {
        "under 30": [0, 1],
        "30 to under 50": [2, 3],
        "50 and over": [4, 5],
        "no_record": [6],
        "missing": [7],
    }


def test_few_values_are_groups_of_their_own():
    rate = Feature(name="rate", type="integer")

    assert named(groups_of(rate, np.array([2, 1, 2], np.float32), 3)) == {"1": [1], "2": [0, 2]}


def test_mostly_one_value_leaves_two_groups():
    debt = DerivedFeature(name="debt", expression="a / b")
    values = np.array([*[0] * 20, 1, 2, 3, 4, 5], np.float32)

    assert named(groups_of(debt, values, 3)) == {
        "under 1": list(range(20)),
        "1 and over": list(range(20, 25)),
    }


def test_categories_come_in_their_order_with_unlisted_and_missing_ones_last():
    region = Feature(name="region", type="category", categories=("n", "s", "w"))
    values = np.array([1, 0, -1, np.nan, 1], np.float32)

    assert named(groups_of(region, values, 3)) == {
        "n": [1],
        "s": [0, 4],
        "not listed": [2],
        "missing": [3],
    }


def test_figures_of_a_group_by_hand():
    y = np.concatenate([np.arange(40) < 12, np.zeros(40), np.arange(20) < 10]).astype(np.int8)
    probability = np.concatenate([np.linspace(0.9, 0.1, 40), np.full(60, 0.2)])
    held_out = answered(np.full(100, 550), y, probability=probability)
    groups = {"a": slice(0, 40), "b": slice(40, 80), "c": slice(80, 100)}
    rows = {name: np.isin(np.arange(100), np.arange(100)[part]) for name, part in groups.items()}

    a, b, c = figures(held_out, rows.items())

    # The 12 defaults have the highest probabilities of their group.
    assert a["auc"]["value"] == 1
    assert a["bad_rate"]["value"] == 0.3
    assert a["probability"] == pytest.approx(0.5)
    assert (b["bad_rate"]["value"], b["auc"]) == (0, None)
    assert c == {"group": "c", "rows": None}


def test_segments_are_the_named_features_and_then_the_protected_ones():
    rng = np.random.default_rng(2)
    X = np.zeros((200, 6), np.float32)
    X[:, 4] = np.arange(200) % 2
    y = rng.random(200) < 0.4
    held_out = answered(rng.normal(550, 30, 200), y, X=X)
    sex = {"f": np.arange(200) < 100, "m": np.arange(200) >= 100}

    housing, protected = segments(held_out, ["housing"], {"sex": sex.items()})

    assert (housing["feature"], protected["feature"]) == ("housing", "sex")
    assert [group["group"] for group in housing["groups"]] == ["own", "rent"]
    expected = auc_interval(ScoreCounts.of(y[:100].astype(np.int8), held_out.probability[:100]))
    assert protected["groups"][0]["auc"]["value"] == pytest.approx(expected.value, abs=1e-6)
    assert protected["groups"][0]["auc"]["low"] == pytest.approx(expected.low, abs=1e-5)


def test_the_most_important_fields_are_segments_where_none_is_named(tmp_path):
    from tests import sample

    ranked = [{"name": n} for n in ("debt_to_income", "income", "debt", "region", "housing")]
    named_ones = sample.DEFINITION + '\n[report]\nsegments = ["employed"]\n'

    plain = segment_names(sample.definition(tmp_path), ranked)
    chosen = segment_names(sample.definition(tmp_path, named_ones), ranked)

    assert plain == ["income", "debt", "region"]
    assert chosen == ["employed"]
