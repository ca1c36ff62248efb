"""Categories of a file are encoded and refused as those of single applications."""

from math import isnan

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.encoding import FileEncoder
from scoreline.core.contract import Contract
from scoreline.core.errors import InvalidApplicationError
from scoreline.core.features import Feature
from scoreline.scoring.application import ApplicationEncoder

ALIASES = {"LLEIDA": "LERIDA"}
FEATURES = {
    "listed": {"categories": ("0", "1", "-7")},
    "accepting": {"categories": ("0", "1", "-7"), "unseen": "accept"},
    "required": {"categories": ("0", "1"), "nullable": False},
    "words": {
        "categories": ("LERIDA", "RIOJA, LA"),
        "category_aliases": ALIASES,
        "normalize": "case and spaces",
    },
    "exact": {"categories": ("LERIDA", "RIOJA, LA"), "category_aliases": ALIASES},
}
NUMBERS = [None, 0.0, -0.0, 1.0, -7.0, 3.0, 0.5, 1e20, float("inf"), -float("inf")]
TEXTS = [None, "0", "1", "-7", "2", "01", "1.0", "", " ", "LERIDA", " lleida", "Rioja,  La", "x"]
COLUMNS = {
    "text": (pa.string(), st.sampled_from(TEXTS) | st.text(max_size=2)),
    "numbers": (pa.float64(), st.sampled_from(NUMBERS)),
    "integers": (pa.int64(), st.sampled_from([None, 0, 1, -7, 2**40])),
    "booleans": (pa.bool_(), st.sampled_from([None, True, False])),
}
PAIRS = [(name, "text") for name in FEATURES] + [
    (name, kind)
    for name in ("listed", "accepting", "required")
    for kind in ("numbers", "integers", "booleans")
]


def contract(name):
    feature = Feature("field", "category", **{"nullable": True, **FEATURES[name]})
    return Contract("sample", "default", "", (feature,))


def one_by_one(encoder, values):
    codes, broken = [], []
    for value in values:
        try:
            codes.append(encoder.encode({"field": value})[0])
            broken.append(None)
        except InvalidApplicationError as error:
            codes.append(None)
            broken.append(error.fields[0].rule)
    return codes, broken


@pytest.mark.parametrize(("name", "kind"), PAIRS)
@given(data=st.data())
def test_a_column_of_categories_gives_what_single_applications_give(name, kind, data):
    arrow_type, drawn = COLUMNS[kind]
    values = data.draw(st.lists(drawn, min_size=1, max_size=8))
    table = pa.table({"field": pa.array(values, arrow_type)})
    encoder = FileEncoder(contract(name), table.schema, None, untyped=False)

    encoded = encoder.encode(table)

    codes, broken = one_by_one(ApplicationEncoder(contract(name)), values)
    rules = [next((r for _, r, rows in encoded.broken if rows[i]), None) for i in range(len(codes))]
    assert rules == broken
    for found, code in zip(encoded.X[0].tolist(), codes, strict=True):
        assert code is None or found == code or (isnan(found) and isnan(code))


@pytest.mark.parametrize(
    ("name", "cells", "codes"),
    [
        ("listed", ["0", "1.0", "-7.00", ""], [0, 1, 2, np.nan]),
        ("accepting", ["0.5", "2.0", "01.0", "x"], [-1, -1, -1, -1]),
        ("words", [" lleida", "RIOJA, LA", "  "], [0, 1, np.nan]),
    ],
)
def test_cells_of_a_csv_file_write_numbers_and_missing_values_as_text(name, cells, codes):
    table = pa.table({"field": pa.array(cells)})

    encoded = FileEncoder(contract(name), table.schema, None, untyped=True).encode(table)

    assert not encoded.broken
    np.testing.assert_array_equal(encoded.X[0], np.float32(codes))
