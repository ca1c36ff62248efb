"""Each model's definition on its own data: real where DATA_DIR has it, and invented."""

import pandas as pd
import pytest

from scoreline.definition.files import load_definition
from training.data.load import load_dataset
from training.generators.registry import GENERATORS, generate, write
from training.train import train


@pytest.fixture
def invented(tmp_path):
    def make(model, rows):
        path = tmp_path / f"{model}.parquet"
        write(path, generate(model, rows, 1))
        return str(path)

    return make


@pytest.mark.slow
@pytest.mark.parametrize("model", sorted(GENERATORS))
def test_invented_rows_fit_the_definition_and_are_marked(invented, model):
    path = invented(model, 3_000)
    definition = load_definition(model)
    frame = pd.read_parquet(path)
    labelled = frame[[target.column for target in definition.targets]].notna().all(axis=1)

    dataset = load_dataset(definition, path)

    assert len(dataset.y) == len(frame[labelled].drop_duplicates(definition.id or None))
    assert dataset.generated == [{"model": model, "seed": 1, "rows": 3_000}]


def test_exclusions_of_the_credit_card_file_are_counted(data_dir):
    dataset = load_dataset(
        load_definition("credit-card"), str(data_dir / "credit_card_applications.parquet")
    )

    # 1,257 rows, 1,000 of them different, 931 of these with a label
    assert (dataset.rows_read, len(dataset.y)) == (1257, 931)
    assert dataset.exclusions == {
        "default: the label is missing": 88,
        "ids: duplicate of an earlier row": 238,
    }


@pytest.mark.slow
def test_no_id_of_the_credit_card_file_is_in_the_bundle(data_dir):
    path = data_dir / "credit_card_applications.parquet"
    said = []
    bundle = train(load_definition("credit-card"), str(path), progress=said.append)

    written = b"".join([*bundle.files.values(), *(line.encode() for line in said)])
    assert b"238" in bundle.files["report.html"]
    for identifier in pd.read_parquet(path)["ids"]:
        assert identifier not in written
        assert identifier.hex().encode() not in written
