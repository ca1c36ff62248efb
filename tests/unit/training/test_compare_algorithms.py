"""Algorithms are compared on rows that they rank, and the others are named."""

from dataclasses import replace

import numpy as np
import pytest

from scoreline.core.errors import UnrankedError
from scoreline.definition.economics import Economics
from tests.sample import DEFINITION, applicants, definition
from training.compare_algorithms import compare, with_algorithms
from training.data.load import load_dataset

pytestmark = pytest.mark.slow

ECONOMICS = Economics(currency="EUR", profit_of_a_good=20.0, loss_given_default=0.5, exposure=80.0)


@pytest.fixture
def sample(tmp_path):
    applicants(600).to_parquet(tmp_path / "data.parquet")
    found = definition(tmp_path)
    return found, load_dataset(found, str(tmp_path / "data.parquet"))


def compared(sample, y, **parameters):
    said = []
    variants = with_algorithms(sample[0], ["logistic_regression", "xgboost"])
    algorithm = variants["xgboost"].algorithm.model_copy(update={"parameters": parameters})
    variants["xgboost"] = variants["xgboost"].model_copy(update={"algorithm": algorithm})
    found = compare(variants, replace(sample[1], y=y), folds=3, left_out=said.append)
    return [result.algorithm for result in found], said


def test_an_algorithm_that_ranks_nothing_is_named_and_left_out(sample):
    found, said = compared(sample, sample[1].y, n_estimators=1, min_child_weight=1e6)

    assert found == ["logistic_regression"]
    assert said == [
        "xgboost is left out: the model does not rank defaults on rows that it has not seen"
    ]


def test_profits_are_those_of_all_held_out_rows_at_each_algorithms_scores(sample):
    found, dataset = sample
    priced = found.model_copy(update={"economics": ECONOMICS})
    value = np.where(dataset.y == 1, -40.0, 20.0)

    [result] = compare(
        with_algorithms(priced, ["logistic_regression"]), replace(dataset, value=value), folds=2
    )

    profit = result.profit
    bads = profit.approved.share * profit.approved.bad_rate
    goods = profit.approved.share - bads
    assert profit.approved.profit.value == pytest.approx(20 * goods - 40 * bads)
    assert profit.best.profit.value >= profit.approved.profit.value
    assert profit.currency == "EUR"


def test_where_none_ranks_there_is_no_comparison(sample):
    with pytest.raises(UnrankedError, match="no algorithm ranks"):
        compared(sample, np.random.default_rng(3).permutation(sample[1].y))


def test_algorithms_are_compared_forward_in_time_whatever_the_order_of_the_file(tmp_path):
    frame = applicants(800).assign(month=np.arange(800) // 40)
    frame.to_parquet(tmp_path / "data.parquet")
    text = DEFINITION.replace("[split]", '[split]\nmethod = "time"\ncolumn = "month"')
    found = definition(tmp_path, text).model_copy(update={"economics": ECONOMICS})
    dataset = load_dataset(found, str(tmp_path / "data.parquet"))
    # The first two months are never held out, so their money must not count.
    dataset = replace(dataset, value=np.where(dataset.time < 2, 1e9, 20.0 - 60.0 * dataset.y))
    said = []

    [one] = compare(with_algorithms(found, ["xgboost"]), dataset, folds=10, progress=said.append)
    mixed = dataset.take(np.random.default_rng(1).permutation(800))
    [other] = compare(with_algorithms(found, ["xgboost"]), mixed, folds=10)

    # The first blocks of two months are too few times for the folds of a calibration.
    assert said[0] == "xgboost: fold 1 of 9"
    assert (one.auc, one.pooled_auc, one.figures) == (other.auc, other.pooled_auc, other.figures)
    assert one.profit == other.profit
    assert 0 < one.profit.best.profit.value < 20
