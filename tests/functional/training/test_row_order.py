"""With one split, figures are the same to the last bit in every order of the file's rows."""

import json

import pytest

from tests.sample import DEFINITION, applicants, definition
from training.train import train

pytestmark = pytest.mark.slow
# What names the file, the moment and the machine.
OTHERWISE = {"version", "trained_at", "training_seconds", "dataset", "files", "golden"}


def figures(folder, frame):
    folder.mkdir()
    frame.to_parquet(folder / "data.parquet")
    text = DEFINITION.replace("[split]", '[split]\nmethod = "time"\ncolumn = "received"')
    bundle = train(definition(folder, text), str(folder / "data.parquet"))
    manifest = json.loads(bundle.files["manifest.json"])
    return {name: part for name, part in manifest.items() if name not in OTHERWISE}


def test_figures_do_not_depend_on_the_order_of_the_rows(tmp_path):
    frame = applicants(900).assign(received=range(900))

    one = figures(tmp_path / "one", frame)
    other = figures(tmp_path / "other", frame.sample(frac=1, random_state=3))
    by_outcome = figures(tmp_path / "by_outcome", frame.sort_values("outcome"))

    assert one == other
    assert one == by_outcome
