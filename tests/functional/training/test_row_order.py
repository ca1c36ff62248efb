"""Figures are the same to the last bit in every order of the file's rows."""

import json

import pytest

from tests.sample import DEFINITION, applicants, definition
from training.train import train

pytestmark = pytest.mark.slow
# What names the file, the moment and the machine.
OTHERWISE = {"version", "trained_at", "training_seconds", "dataset", "files", "golden"}


BY_TIME = DEFINITION.replace("[split]", '[split]\nmethod = "time"\ncolumn = "received"')
BY_GROUP = DEFINITION.replace('id = "applicant"', 'id = "applicant"\ngroup = "customer"')


def figures(folder, frame, text):
    folder.mkdir()
    frame.to_parquet(folder / "data.parquet")
    bundle = train(definition(folder, text), str(folder / "data.parquet"))
    manifest = json.loads(bundle.files["manifest.json"])
    return {name: part for name, part in manifest.items() if name not in OTHERWISE}


@pytest.mark.parametrize("text", [BY_TIME, BY_GROUP, DEFINITION], ids=["time", "group", "id"])
def test_figures_do_not_depend_on_the_order_of_the_rows(tmp_path, text):
    frame = applicants(900).assign(received=range(900), customer=[n // 2 for n in range(900)])

    one = figures(tmp_path / "one", frame, text)
    other = figures(tmp_path / "other", frame.sample(frac=1, random_state=3), text)
    by_outcome = figures(tmp_path / "by_outcome", frame.sort_values("outcome"), text)

    assert one == other
    assert one == by_outcome
