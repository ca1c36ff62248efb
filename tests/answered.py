"""Held-out rows of the invented model with the answers that a test gives them."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests import sample
from training.data.dataset import Dataset
from training.report.figures.scored_rows import ScoredRows


def answered(scores, y, *, protected=None, X=None, probability=None):
    """Rows with these scores in points; approved from 560 on, declined below 540."""
    with TemporaryDirectory() as folder:
        definition = sample.definition(Path(folder))
    contract = definition.contract()
    log_odds = (540 - np.asarray(scores, float)) / contract.score_scale.factor
    y = np.asarray(y, np.int8)
    rows = Dataset(
        X=np.zeros((len(y), len(contract.features)), np.float32) if X is None else X,
        y=y,
        time=None,
        protected={name: np.array(values) for name, values in (protected or {}).items()},
        rows_read=len(y),
        exclusions={},
        unseen={},
        no_amount={},
        fingerprint="",
        rows=np.arange(len(y)),
        late={},
        identities=np.arange(len(y), dtype=np.uint64),
    )
    if probability is None:
        probability = 1 / (1 + np.exp(-log_odds))
    return ScoredRows(contract, rows, log_odds, np.asarray(probability, float))
