from itertools import chain

import numpy as np
import onnxruntime
import pytest
from pyarrow import parquet

from batch.model import BatchModel
from scoreline.core.errors import BatchError
from scoreline.core.versions import BATCH_FILE, MODEL_FILE
from scoreline.scoring.model import ScoringModel
from tests import shop

pytestmark = pytest.mark.slow

PRODUCTS = ("account", "card", "fund", "mortgage")


@pytest.fixture(scope="module")
def model():
    content = shop.bundle().files[BATCH_FILE]
    return BatchModel(onnxruntime.InferenceSession(content), "", "customer")


@pytest.fixture(scope="module")
def single():
    return ScoringModel.from_onnx(shop.bundle().files[MODEL_FILE])


@pytest.fixture
def customers():
    frame = shop.customers(300, seed=4).rename(columns={"has_card": "card"})
    return frame.astype({"customer": str, "card": int})


def alone(single, frame):
    """Products and probabilities of each customer, from single scoring."""
    found = []
    for row in frame.to_dict("records"):
        fields = ("income", "age", "segment", "country", "held")
        sent = {n: row[n] for n in fields if n in row and row[n] is not None and row[n] == row[n]}
        [answer] = single.answer([(sent, single.encoder.encode(sent))])
        pairs = [(r["product"], r["probability"]) for r in answer["recommendations"]]
        found.append(pairs + [(None, None)] * (2 - len(pairs)))
    return found


def together(path):
    rows = parquet.read_table(path).to_pylist()
    return [[(r[f"product_{i}"], r[f"product_{i}_probability"]) for i in (1, 2)] for r in rows]


def assert_same(found, expected):
    """The same products; onnxruntime rounds sums of trees differently in a batch."""
    assert [[p for p, _ in row] for row in found] == [[p for p, _ in row] for row in expected]
    pairs = zip(chain.from_iterable(found), chain.from_iterable(expected), strict=True)
    assert all(p == q or abs(p - q) < 2e-6 for (_, p), (_, q) in pairs)


def with_held(frame):
    held = [[p for p in PRODUCTS if row[p]] for row in frame.to_dict("records")]
    return frame.drop(columns=list(PRODUCTS)).assign(held=held)


@pytest.mark.slow
def test_lists_of_held_products_count_as_in_requests(run, model, single, customers, tmp_path):
    listed = with_held(customers)
    listed.loc[7, "held"].clear()
    listed.loc[8, "held"][:] = PRODUCTS
    listed.to_parquet(tmp_path / "in.parquet")

    run("in.parquet", of=model)

    assert_same(together(tmp_path / "out.parquet"), alone(single, listed))


@pytest.mark.parametrize("kind", ["columns.parquet", "text.csv"])
def test_a_column_for_each_product_or_a_text_say_the_same(
    run, model, single, customers, tmp_path, kind
):
    listed = with_held(customers)
    if kind == "text.csv":
        listed.assign(held=listed["held"].str.join(", ")).to_csv(tmp_path / kind, index=False)
    else:
        customers.rename(columns={"card": "has_card"}).to_parquet(tmp_path / kind)

    run(kind, of=model)

    assert_same(together(tmp_path / "out.parquet"), alone(single, listed))


def test_unknown_products_are_rejected(run, model, customers, tmp_path):
    listed = with_held(customers[:3])
    listed.loc[1, "held"].append("yacht")
    listed.to_parquet(tmp_path / "in.parquet")

    summary = run("in.parquet", of=model)

    [line] = parquet.read_table(summary.rejections).to_pylist()
    assert (line["row"], line["id"], line["field"]) == (2, "1", "held")
    assert line["rule"] == f"must be a list of products, each one of: {', '.join(PRODUCTS)}"


def test_ownership_is_a_truth_value(run, model, customers, tmp_path):
    customers["card"] = np.where(np.arange(300) == 5, 2, customers["card"])
    customers.to_parquet(tmp_path / "in.parquet")

    summary = run("in.parquet", of=model)

    [line] = parquet.read_table(summary.rejections).to_pylist()
    assert (line["row"], line["field"], line["rule"]) == (6, "card", "must be true or false")


def test_recommendations_have_no_reasons(run, model, customers, tmp_path):
    customers.to_parquet(tmp_path / "in.parquet")

    with pytest.raises(BatchError, match="no reasons"):
        run("in.parquet", of=model, reasons=True)
