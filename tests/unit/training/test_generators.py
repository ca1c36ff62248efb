import json
from itertools import islice
from math import log

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from scoreline.core.datasets import GENERATED_KEY
from scoreline.core.errors import ModelNotFoundError
from training.generators import loan_risk
from training.generators.marginals import draw
from training.generators.registry import CHUNK_ROWS, GENERATORS, generate, write

pytestmark = pytest.mark.slow

MODELS = sorted(GENERATORS)


def table(model, rows, seed=1):
    return pa.concat_tables(generate(model, rows, seed))


@pytest.mark.parametrize("model", MODELS)
def test_a_smaller_dataset_is_the_beginning_of_a_larger_one(model):
    more = table(model, CHUNK_ROWS + 7)

    assert more.num_rows == CHUNK_ROWS + 7
    assert table(model, 50).equals(more.slice(0, 50))
    assert more.slice(CHUNK_ROWS).to_pylist() != more.slice(0, 7).to_pylist()


@pytest.mark.parametrize("model", MODELS)
def test_another_seed_gives_other_rows(model):
    assert table(model, 100, seed=3).equals(table(model, 100, seed=3))
    assert not table(model, 100, seed=3).equals(table(model, 100, seed=4))


@pytest.mark.parametrize("model", MODELS)
def test_a_file_is_complete_and_marked_as_invented(tmp_path, model):
    path, done = tmp_path / "rows.parquet", []

    write(path, generate(model, CHUNK_ROWS + 7, 5), done.append)

    file = parquet.ParquetFile(path)
    assert (sum(done), file.metadata.num_rows) == (CHUNK_ROWS + 7, CHUNK_ROWS + 7)
    assert file.metadata.num_row_groups == 2
    mark = json.loads(file.schema_arrow.metadata[GENERATED_KEY])
    assert mark == {"model": model, "seed": 5, "rows": CHUNK_ROWS + 7}
    assert [p.name for p in tmp_path.iterdir()] == ["rows.parquet"]


def test_an_unfinished_file_does_not_appear(tmp_path):
    def broken():
        yield table("loan-risk", 5)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "rows.parquet", broken())

    assert not (tmp_path / "rows.parquet").exists()


def test_rows_are_generated_on_demand():
    endless = generate("loan-risk", 10**15, 1)

    assert [t.num_rows for t in islice(endless, 2)] == [CHUNK_ROWS, CHUNK_ROWS]


def test_an_unknown_model_is_refused_at_once():
    with pytest.raises(ModelNotFoundError, match="no generator for this model"):
        generate("unknown", 1, 1)


APPLICATION = {
    "age": 45,
    "income": 60_000,
    "employment_length": 5,
    "credit_score": 700,
    "num_credit_lines": 4,
    "credit_utilization": 0.25,
    "debt_to_income": 0.5,
    "total_debt": 30_000,
    "savings": 20_000,
    "loan_amount": 24_000,
    "loan_term": 12,
    "num_late_payments": 2,
    "num_bankruptcies": 1,
    "inquiries_last_6m": 3,
    "employment_status": 2,  # unemployed
}


def test_the_risk_formula_by_hand():
    # instalment 1.05 * 24,000 / 12 = 2,100 a month of an income of 5,000
    terms = 6 * 0.5 + 4 * 0.25 - 0.01 * 20 + 3 * 0.42 + 0.4 * 2 + 2 + 0.2 * 3
    terms += -0.2 * log(2) + 0.5
    columns = {name: np.array([value]) for name, value in APPLICATION.items()}

    [found] = loan_risk.log_odds(columns)

    assert found - loan_risk.INTERCEPT == pytest.approx(terms, abs=1e-6)


def test_the_mean_probability_is_30_percent():
    rng = np.random.default_rng(11)
    columns = draw(rng, loan_risk.marginals(), 500_000)

    probability = 1 / (1 + np.exp(-loan_risk.log_odds(columns)))

    assert probability.mean() == pytest.approx(0.30, abs=4 * probability.std() / 500_000**0.5)


@pytest.mark.parametrize("rows", [2_000, CHUNK_ROWS, 3 * CHUNK_ROWS + 1])
def test_the_default_rate_is_30_percent_within_sampling_error(rows):
    defaults = table("loan-risk", rows, seed=2)["default"].to_numpy()

    assert defaults.mean() == pytest.approx(0.30, abs=4 * (0.3 * 0.7 / rows) ** 0.5)


def test_a_credit_card_file_is_as_untidy_as_a_real_one():
    rows = table("credit-card", 5_000).to_pandas()

    assert isinstance(rows["ids"][0], bytes)
    assert rows.duplicated().mean() == pytest.approx(0.20, abs=0.03)
    assert rows["default"].isna().mean() == pytest.approx(0.07, abs=0.02)
    assert set(rows["default"].dropna()) == {True, False}
    assert rows["income"].isna().equals(rows["score_3"].isna())
    assert rows["income"].isna().mean() == pytest.approx(0.02, abs=0.01)
