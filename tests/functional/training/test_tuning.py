import json
from dataclasses import replace

import numpy as np
import pytest

from scoreline.definition.algorithms import ALGORITHMS
from scoreline.definition.files import parse_definition
from scoreline.definition.search_spaces import SPACES
from tests.sample import applicants, definition
from training.data.load import load_dataset
from training.data.split import split_rows
from training.fit.tuning import search_space, tune
from training.train import train


def tuned_definition(folder, *, algorithm="xgboost", **tuning):
    dumped = definition(folder).model_dump(mode="json")
    [enquiries] = [f for f in dumped["features"] if f["name"] == "enquiries"]
    if ALGORITHMS[algorithm].holds_directions:
        enquiries["monotone"] = "increasing"
    changed = {"algorithm": {"name": algorithm}, "tuning": tuning}
    return parse_definition("sample.toml", dumped | changed)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuning")
    applicants(600).to_parquet(folder / "data.parquet")
    return load_dataset(definition(folder), str(folder / "data.parquet"))


def without_times(tuned):
    trials = [replace(trial, seconds=0) for trial in tuned.trials]
    return replace(tuned, seconds=0, trials=trials)


@pytest.mark.parametrize("name", SPACES)
def test_every_algorithm_has_a_space_that_is_not_refused(name):
    space = SPACES[name](4)

    for end in ("low", "high"):
        assert not list(ALGORITHMS[name].problems({k: getattr(v, end) for k, v in space.items()}))


def test_every_algorithm_can_be_tuned():
    assert SPACES.keys() == ALGORITHMS.keys()


def test_parameters_of_the_definition_are_not_searched(tmp_path):
    found = tuned_definition(tmp_path).with_parameters({"max_depth": 3, "max_bin": 64})

    assert "max_depth" not in search_space(found)
    assert "learning_rate" in search_space(found)


def test_trees_are_no_deeper_than_asked_for(tmp_path):
    assert search_space(tuned_definition(tmp_path, max_depth=3))["max_depth"].high == 3


@pytest.mark.long
@pytest.mark.slow
def test_the_same_seed_gives_the_same_study(tmp_path, rows):
    asked = tuned_definition(tmp_path, trials=8, folds=3)
    other = tuned_definition(tmp_path, trials=8, folds=3, seed=2)
    said = []

    first = tune(asked, rows, said.append)
    second = tune(asked, rows)

    assert without_times(first) == without_times(second)
    assert without_times(tune(other, rows)) != without_times(first)
    assert [line.partition(":")[0] for line in said[1:]] == [f"trial {n} of 8" for n in range(1, 9)]
    assert first.after == max([first.before, *(t.auc for t in first.trials if t.state != "pruned")])
    assert {t.state for t in first.trials} == {"complete", "pruned"}
    assert all(t.folds < 3 for t in first.trials if t.state == "pruned")


def test_the_search_goes_forward_over_the_times_that_there_are(tmp_path, rows):
    asked = tuned_definition(tmp_path, algorithm="logistic_regression", trials=1, folds=5)
    quarters = replace(rows, time=(np.arange(600) // 150).astype(float))

    found = tune(asked, quarters)

    assert (found.folds, found.trials[0].folds) == (3, 3)


@pytest.mark.slow
def test_a_time_limit_ends_the_study_and_is_recorded(tmp_path, rows):
    asked = tuned_definition(
        tmp_path, algorithm="logistic_regression", trials=100_000, timeout_s=3, folds=2
    )

    found = tune(asked, rows)

    assert found.timed_out
    assert 1 <= len(found.trials) < 100_000


@pytest.mark.slow
def test_the_search_does_not_see_test_rows(tmp_path):
    asked = tuned_definition(tmp_path, algorithm="logistic_regression", trials=3, folds=2)
    frame, path = applicants(600), tmp_path / "data.parquet"
    frame.to_parquet(path)
    _, held_out = split_rows(asked.split, load_dataset(asked, str(path)))
    before = json.loads(train(asked, str(path)).files["manifest.json"])
    frame.loc[held_out, "income"] = 1000.0

    frame.to_parquet(path)
    after = json.loads(train(asked, str(path)).files["manifest.json"])

    assert [t["auc"] for t in before["tuning"]["trials"]] == [
        t["auc"] for t in after["tuning"]["trials"]
    ]
    assert before["metrics"] != after["metrics"]


@pytest.mark.slow
def test_a_tuned_version_is_fitted_with_the_parameters_of_the_study(tmp_path):
    asked = tuned_definition(tmp_path, trials=6, folds=2)
    applicants(600).to_parquet(tmp_path / "data.parquet")

    manifest = json.loads(train(asked, str(tmp_path / "data.parquet")).files["manifest.json"])

    study = manifest["tuning"]
    assert study["after"] > study["before"]
    assert manifest["parameters"].items() >= study["best_parameters"].items()
    assert manifest["definition"]["algorithm"]["parameters"] == {}
    assert manifest["monotone"]["enquiries"] < 1e-4
    best = study["trials"][study["best_trial"]]
    assert np.isclose(best["auc"], study["after"])
    assert best["parameters"] == study["best_parameters"]
