"""Batch scoring needs onnxruntime, numpy and pyarrow alone, as on a Spark executor."""

import subprocess
import sys

import pytest
from pyarrow import parquet

from local.template import ROOT
from scoreline.core.versions import BATCH_FILE
from tests import sample

SCORE = """
import sys
from importlib.metadata import packages_distributions

ALLOWED = {"onnxruntime", "numpy", "pyarrow", "batch", "scoreline"}
REFUSED = {*packages_distributions(), "training", "local", "functions"} - ALLOWED
at_start = set(sys.modules)

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in REFUSED:
            raise ModuleNotFoundError(f"{name} is not on an executor", name=name)

sys.meta_path.insert(0, Refuse())

from pathlib import Path
from batch.model import BatchModel
from batch.run import Batch
from scoreline.scoring.many_rows import open_session

folder = Path(sys.argv[1])
model = BatchModel(open_session((folder / "batch.onnx").read_bytes()), "")
batch = Batch.of(model, str(folder / "in.parquet"), folder / "out.parquet", reasons=True)
print(batch.run(lambda _done, _total: None).rows)
print(sorted(REFUSED & {name.partition(".")[0] for name in {*sys.modules} - at_start}))
"""


@pytest.mark.slow
def test_a_file_is_scored_without_training_or_its_libraries(bundle, tmp_path):
    (tmp_path / BATCH_FILE).write_bytes(bundle.files[BATCH_FILE])
    sample.applicants(40).to_parquet(tmp_path / "in.parquet")

    done = subprocess.run(
        [sys.executable, "-c", SCORE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["40", "[]"]
    assert parquet.read_table(tmp_path / "out.parquet").num_rows == 40
