import numpy as np
import pytest

from scoreline.core.errors import DatasetError, DefinitionError
from tests import shop
from tests.sample import DEFINITION, applicants, definition
from training.data.load import load_dataset
from training.data.stable_order import in_stable_order

WEIGHTED = DEFINITION.replace('id = "applicant"', 'id = "applicant"\nweight = "sampling"')


def load(tmp_path, weights):
    frame = applicants(200).assign(sampling=weights)
    frame.to_parquet(tmp_path / "data.parquet")
    return load_dataset(definition(tmp_path, WEIGHTED), str(tmp_path / "data.parquet"))


def test_weights_are_relative_to_their_mean(tmp_path):
    dataset = load(tmp_path, [2.0, 6.0] * 100)

    assert dataset.weight == pytest.approx([0.5, 1.5] * 100)
    assert dataset.take(np.array([1, 2])).weight == pytest.approx([1.5, 0.5])


@pytest.mark.parametrize("weight", [0.1, 1, 7.3])
def test_a_constant_weight_is_no_weight(tmp_path, weight):
    assert load(tmp_path, weight).weight is None


def test_rows_without_a_weight_or_with_a_weight_of_0_are_left_out_and_counted(tmp_path):
    dataset = load(tmp_path, [None, 0, 0, 1, 3] + [2] * 195)

    assert dataset.exclusions == {
        "sampling: the weight is missing": 1,
        "sampling: the weight is 0": 2,
    }
    assert dataset.weight.mean() == pytest.approx(1)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([-1] + [1] * 199, "sampling: 1 rows have a weight below 0 or infinite"),
        ([np.inf] * 2 + [1] * 198, "sampling: 2 rows have a weight below 0 or infinite"),
        ([1e7] + [1] * 199, "sampling: the largest weight is over 1,000,000 times the smallest"),
        (["much"] + ["1"] * 199, "sampling: wrong type: number expected, large_string found"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(tmp_path, weights, message):
    with pytest.raises(DatasetError, match=message):
        load(tmp_path, weights)


def test_rows_that_differ_in_their_weight_alone_have_one_order(tmp_path):
    dataset = load(tmp_path, np.random.default_rng(1).permutation(np.arange(1.0, 201)))

    rows = dataset.take(np.zeros(200, np.int64))
    one = in_stable_order(dataset.take(np.arange(200)[::-1]))

    assert in_stable_order(rows).weight.tolist() == rows.weight.tolist()
    assert one.weight.tolist() == in_stable_order(dataset).weight.tolist()


@pytest.mark.parametrize(
    ("column", "rule"),
    [
        ("debt", "weight: the column is a feature as well"),
        ("outcome", "weight: the column is the target, the id or the group as well"),
        ("applicant", "weight: the column is the target, the id or the group as well"),
    ],
)
def test_the_weight_is_a_column_of_its_own(tmp_path, column, rule):
    with pytest.raises(DefinitionError, match=rule):
        definition(tmp_path, WEIGHTED.replace('"sampling"', f'"{column}"'))


def test_a_recommendation_has_no_weight(tmp_path):
    text = shop.DEFINITION.replace("top =", 'weight = "sampling"\ntop =')

    with pytest.raises(DefinitionError, match="weight: is for the task default"):
        definition(tmp_path, text)
