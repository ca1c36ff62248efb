"""Files as people write them: each kind is read, or refused with its cause."""

import gzip

import numpy as np
import pyarrow as pa
import pytest

from scoreline.core.errors import DatasetError
from scoreline.definition.files import load_definition
from scoreline.definition.model import TargetColumn
from training.data.encoding import encode_labels
from training.data.exclusions import Exclusions
from training.data.load import load_dataset


@pytest.fixture(scope="module")
def definition():
    return load_definition("credit-card")


@pytest.fixture
def rows(definition):
    rng = np.random.default_rng(1)
    columns = [definition.target.column, *(f.dataset_column for f in definition.features)]
    cells = [
        [
            rng.choice([*definition.target.default, *definition.target.good]),
            *(
                f"{rng.uniform(f.range[0] if f.range[0] > -1e9 else 0, min(f.range[1], 1e4)):.4f}"
                for f in definition.features
            ),
        ]
        for _ in range(60)
    ]
    cells[0][0], cells[1][0] = definition.target.default[0], definition.target.good[0]
    if definition.id:
        columns.append(definition.id)
        cells = [[*row, f"c{number}"] for number, row in enumerate(cells)]
    return [columns, *cells]


def text_of(rows, delimiter=","):
    return "\n".join(delimiter.join(row) for row in rows) + "\n"


def load(definition, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    return load_dataset(definition, str(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "delimiter", "encode"),
    [
        ("a.csv", ";", str.encode),
        ("a.tsv", "\t", str.encode),
        ("a.csv", "|", str.encode),
        ("a.csv", ",", lambda text: text.encode("utf-16")),
        ("a.csv", ",", lambda text: text.encode("utf-8-sig")),
        ("a.csv.gz", ",", lambda text: gzip.compress(text.encode())),
        ("a.csv.zst", ",", lambda text: pa.compress(text.encode(), "zstd", asbytes=True)),
        ("a.csv", ";", lambda text: text.replace(".", ",").encode()),
    ],
)
def test_a_file_is_the_same_however_it_is_written(
    definition, rows, tmp_path, name, delimiter, encode
):
    plain = load(definition, tmp_path, "plain.csv", text_of(rows).encode())

    found = load(definition, tmp_path, name, encode(text_of(rows, delimiter)))

    assert np.array_equal(found.X, plain.X, equal_nan=True)
    assert np.array_equal(found.y, plain.y)


@pytest.mark.parametrize("cell", ["unknown", "€ 5", "1,234", "5 %", "2024-01-01"])
def test_a_bad_cell_leaves_out_its_row_only(definition, rows, tmp_path, cell):
    rows[7][1] = f'"{cell}"'

    found = load(definition, tmp_path, "a.csv", text_of(rows).encode())

    [(rule, count)] = found.exclusions.items()
    assert (count, found.first_excluded[rule], len(found.y)) == (1, [7], 59)
    assert "is not a number, but" in rule
    assert cell not in rule


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda rows: [], "is empty"),
        (lambda rows: rows[:1], "has a header and no rows"),
        (lambda rows: rows[1:], "the first line holds values, so the file has no header"),
        (lambda rows: [*rows, ["1"]], r"line 62 \(row 61\) has 1 fields in place of"),
        (lambda rows: [[*row, row[1]] for row in rows], "columns that are named twice"),
        (lambda rows: [row[1:] for row in rows], "missing columns: .*; found: "),
    ],
)
def test_a_broken_file_is_refused_with_its_cause(definition, rows, tmp_path, change, problem):
    changed = change(rows)
    content = text_of(changed).encode() if changed else b""

    with pytest.raises(DatasetError, match=problem):
        load(definition, tmp_path, "a.csv", content)


def test_a_file_that_is_not_compressed_as_it_is_named_is_refused(definition, rows, tmp_path):
    with pytest.raises(DatasetError, match="is not compressed with gzip"):
        load(definition, tmp_path, "a.csv.gz", text_of(rows).encode())


def test_a_file_that_unfolds_beyond_the_limit_is_refused(definition, rows, tmp_path, monkeypatch):
    monkeypatch.setattr("training.data.formats.MAX_DECOMPRESSED", 1_000)

    with pytest.raises(DatasetError, match="holds over 1,000 bytes"):
        load(definition, tmp_path, "a.csv.gz", gzip.compress(text_of(rows).encode()))


@pytest.mark.parametrize(
    ("labels", "words"),
    [((1, 0), ("1.0", "0.0")), ((1, 0), ("True", "False")), (("true", "false"), ("TRUE", "false"))],
)
def test_labels_may_be_written_in_other_ways(labels, words):
    target = TargetColumn("y", (str(labels[0]),), (str(labels[1]),))
    table = pa.table({"y": [words[0], words[1], None]})
    exclusions = Exclusions(3)

    assert encode_labels(target, table, exclusions).tolist()[:2] == [1, 0]
    assert exclusions.counts == {"y: the label is missing": 1}


def test_labels_to_ignore_are_left_out_and_others_are_named():
    target = TargetColumn("y", ("bad",), ("good",), ("open",))
    exclusions = Exclusions(3)

    encode_labels(target, pa.table({"y": ["bad", "good", "open"]}), exclusions)

    assert exclusions.counts == {"y: the label is ignored": 1}
    with pytest.raises(DatasetError, match="2 rows hold a label that is not defined: fraud, lost"):
        encode_labels(target, pa.table({"y": ["lost", "fraud", "bad"]}), Exclusions(3))
