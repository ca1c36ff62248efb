from dataclasses import replace

import pytest

from batch.model import load_batch_model
from batch.run import Batch
from scoreline.aws.registry import ModelRegistry
from scoreline.core.versions import MODEL_FILE
from scoreline.scoring.model import ScoringModel
from tests import sample


@pytest.fixture
def bundle():
    return sample.bundle("xgboost")


@pytest.fixture
def model(registry: ModelRegistry, bundle):
    sample.publish(registry, bundle)
    return load_batch_model(registry, "sample")


@pytest.fixture
def single(bundle):
    return ScoringModel.from_onnx(bundle.files[MODEL_FILE])


@pytest.fixture
def start(model, tmp_path):
    """A batch of the sample model, in parts of a few rows."""

    def make(source, output="out.parquet", *, part_rows=256, of=model, at=None, **options):
        batch = Batch.of(of, at or str(tmp_path / source), tmp_path / output, **options)
        return replace(batch, part_rows=part_rows)

    return make


@pytest.fixture
def run(start):
    def score(source, output="out.parquet", *, restart=False, **options):
        return start(source, output, **options).run(lambda _done, _total: None, restart=restart)

    return score
