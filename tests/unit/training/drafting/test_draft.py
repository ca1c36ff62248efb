from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreline.core.errors import DatasetError
from scoreline.definition.files import read_text
from training.data.load import load_dataset
from training.drafting.draft import _name_of, _rounded, draft_definition, model_name
from training.drafting.profiles import _codes

N = 400


@pytest.fixture
def frame():
    rng = np.random.default_rng(1)
    risk = rng.normal(size=N)
    defaulted = (risk + rng.normal(size=N) > 1).astype(int)
    return pd.DataFrame(
        {
            "loan_id": [f"L{i}" for i in range(N)],
            "Income (EUR)": np.round(3000 - 500 * risk + rng.normal(size=N), 2),
            "months": rng.integers(6, 73, N),
            "bureau": np.where(rng.random(N) < 0.1, -99, rng.integers(0, 9, N)),
            "housing": rng.choice(["own", "rent", 'with "parents"'], N),
            "gender": rng.choice(["f", "m"], N),
            "age": rng.integers(18, 80, N),
            "opened": pd.date_range("2024-01-01", periods=N).strftime("%d.%m.%Y"),
            "note": rng.permutation(N).astype(str) + "x",
            "branch": "north",
            "collections": defaulted * rng.integers(1, 9, N),
            "homeowner": rng.random(N) < 0.5,
            "defaulted": defaulted,
        }
    ).assign(months=lambda f: f["months"].where(rng.random(N) > 0.05))


@pytest.fixture(params=["csv", "parquet"])
def drafted(request, tmp_path, frame):
    path = tmp_path / f"loans.{request.param}"
    getattr(frame, f"to_{request.param}")(path, index=False)
    draft = draft_definition("loans", str(path), "defaulted")
    return read_text("loans.toml", draft.text), draft


def test_every_column_has_its_place(drafted):
    definition, draft = drafted
    features = {feature.name: feature for feature in definition.features}

    assert definition.id == "loan_id"
    assert features.keys() == {
        *("income_eur", "months", "bureau", "housing", "gender", "age", "homeowner")
    }
    assert features["income_eur"].dataset_column == "Income (EUR)"
    assert features["months"].type == "integer"
    assert features["months"].nullable
    assert features["bureau"].special_codes == {"code_minus_99": -99}
    assert (features["bureau"].minimum, features["bureau"].maximum) == (0, 8)
    assert set(features["housing"].categories) == {"own", "rent", 'with "parents"'}
    assert features["homeowner"].type == "boolean"
    assert features["gender"].protected
    assert '# monotone = "decreasing"' in draft.text
    assert "# age = true" in draft.text
    assert '# column = "opened"' in draft.text
    assert '# "collections": alone it tells the outcome' in draft.text
    assert any(remark.startswith("note is left out") for remark in draft.remarks)


def test_ranges_hold_every_row(drafted, frame):
    definition, _ = drafted

    for feature in definition.features:
        values = frame[feature.dataset_column].dropna()
        if feature.type in ("number", "integer"):
            values = values[~values.isin(feature.specials)]
            assert feature.minimum <= values.min() <= values.max() <= feature.maximum


@pytest.mark.parametrize(
    ("labels", "default", "good"),
    [
        (["bad", "good"], ["bad"], ["good"]),
        ([True, False], ["true"], ["false"]),
        ([1.0, 0.0], ["1"], ["0"]),
        (["Charged Off", "Fully Paid"], ["Charged Off"], ["Fully Paid"]),
        ([2, 5], ["2"], ["5"]),  # the rarer one
    ],
)
def test_the_labels_are_found(tmp_path, frame, labels, default, good):
    outcome = np.where(frame["defaulted"] == 1, labels[0], labels[1])
    frame.assign(defaulted=outcome).to_parquet(tmp_path / "loans.parquet")

    draft = draft_definition("loans", str(tmp_path / "loans.parquet"), "defaulted")

    target = read_text("loans.toml", draft.text).target
    assert (list(target.default), list(target.good)) == (default, good)


@pytest.mark.parametrize(
    ("change", "target", "problem"),
    [
        (lambda f: f, "outcome", "no such column; found: loan_id, Income"),
        (lambda f: f.assign(defaulted=range(N)), "defaulted", "holds 400 different labels"),
        (lambda f: f.assign(defaulted=1), "defaulted", "holds 1 different labels"),
        (lambda f: f[["note", "defaulted"]], "defaulted", "no column is of use"),
        (lambda f: f.iloc[:0], "defaulted", "has a header and no rows"),
    ],
)
def test_a_file_without_a_model_in_it_is_refused(tmp_path, frame, change, target, problem):
    change(frame).to_csv(tmp_path / "loans.csv", index=False)

    with pytest.raises(DatasetError, match=problem):
        draft_definition("loans", str(tmp_path / "loans.csv"), target)


def test_codes_are_far_from_amounts_and_not_rare():
    amounts = np.arange(0.0, 50)

    assert _codes(np.append(amounts, [-99, -99, -99, 999, 999, 999])) == (-99, 999)
    assert _codes(np.append(amounts, [-99, 999])) == ()
    assert _codes(np.append(np.arange(-5.0, 50), [-99.0] * 5)) == ()
    assert _codes(np.append(np.arange(0.0, 900), [999.0] * 5)) == ()


@given(st.floats(-1e15, 1e15))
def test_rounding_goes_outward_by_a_tenth_at_most(number):
    shown = Decimal(f"{number:.15g}")
    low, high = (Decimal(_rounded(number, way)) for way in (ROUND_FLOOR, ROUND_CEILING))

    assert low <= shown <= high
    assert high - low <= abs(shown) / 10


@given(st.lists(st.text(max_size=12), max_size=12))
def test_names_are_identifiers_and_differ(columns):
    taken = {"id"}
    names = [_name_of(column, taken) for column in columns]

    assert len({"id", *names}) == len(names) + 1
    assert all(name.isidentifier() for name in names)


def test_a_model_is_called_like_its_file():
    assert model_name("s3://bucket/Loans 2024.v2.csv") == "loans-2024"
    assert model_name("___.csv") == "model"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(
    "column",
    [
        ["Own", "own", "OWN ", "rent"],
        ["NA", "DE", "AT", "FR"],
        ["", " ", "a", "b"],
        [[1], [2], None, [3]],
        [None, None, None, None],
        ["1", "2", "3", "4"],
    ],
    ids=["spellings", "country codes", "blanks", "lists", "nothing", "numbers"],
)
def test_columns_of_any_kind_give_a_definition_that_reads_the_file(tmp_path, column, kind):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=N), "y": (rng.random(N) < 0.3).astype(int)})
    frame["column"] = (column * N)[:N]
    path = tmp_path / f"loans.{kind}"
    getattr(frame, f"to_{kind}")(path, index=False)

    definition = read_text("loans.toml", draft_definition("loans", str(path), "y").text)

    assert len(load_dataset(definition, str(path)).y) == N


def test_a_column_in_a_dictionary_is_a_category(tmp_path):
    frame = pd.DataFrame(
        {"c": pd.Categorical(["a", "b", "c", "d"] * 50), "y": [0, 0, 0, 1, 1] * 40}
    )
    frame.to_parquet(tmp_path / "loans.parquet")

    draft = draft_definition("loans", str(tmp_path / "loans.parquet"), "y")

    assert read_text("loans.toml", draft.text).features[0].categories == ("a", "b", "c", "d")
