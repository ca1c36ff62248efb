"""The loan-risk model on the file of the system that it replaces, and on synthetic applications."""

import json

import numpy as np
import pandas as pd
import pytest

from scoreline.definition.files import load_definition
from training.data.load import load_dataset
from training.generators.registry import generate, write
from training.graph.features import FeatureGraph
from training.train import train


@pytest.fixture(scope="module")
def definition():
    return load_definition("loan-risk")


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    path = tmp_path_factory.mktemp("loan-risk") / "loan-risk.parquet"
    write(path, generate("loan-risk", 3_000, 1))
    return str(path)


def test_derived_features_equal_the_columns_of_the_file(definition, data_dir):
    path = data_dir / "loan_risk_synthetic.csv"
    shown = pd.read_csv(path)
    features = FeatureGraph(definition.contract())

    X = features.transform(load_dataset(definition, str(path)).X)

    names = [column.name for column in features.columns_]
    payment, ratio = (X[:, names.index(n)] for n in ("monthly_payment", "payment_to_income"))
    # The file cuts payments to whole dollars, which the ratio follows, and ratios at 1.
    np.testing.assert_array_equal(np.floor(payment + 1e-3), shown["monthly_payment"])
    rounding = 12 / shown["income"]
    assert np.all(np.minimum(ratio, 1) >= shown["payment_to_income"] - 1e-6)
    assert np.all(np.minimum(ratio, 1) - shown["payment_to_income"] <= rounding)


def test_the_file_fits_the_definition(definition, data_dir):
    dataset = load_dataset(definition, str(data_dir / "loan_risk_synthetic.csv"))

    assert (len(dataset.y), dataset.exclusions, dataset.generated) == (1000, {}, [])


@pytest.mark.slow
def test_a_report_says_that_the_data_is_invented(definition, invented):
    bundle = train(definition, invented)

    assert json.loads(bundle.files["manifest.json"])["dataset"]["generated"]
    assert "<strong>Synthetic data</strong> (3000 rows" in bundle.files["report.html"].decode()
    assert bundle.score > 0.75
