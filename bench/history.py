"""What the history of a customer adds to the application: home-credit with and without it.

    DATA_DIR=... python -m bench.history

Both are fitted with the definition's algorithm and parameters on the same folds of the same rows,
in three cross-validations with folds of their own: with all fields of the application, and without
the scores of other sources, which are made of a history themselves. DATA_DIR is a folder that holds
the Home Credit tables in `home_credit/`.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.model_selection import StratifiedKFold

from features.build import build_offline
from features.catalogue import load_pipeline
from scoreline.definition.files import load_definition
from scoreline.definition.variants import without, without_history
from training.data.dataset import load_dataset
from training.evaluate.delong import compare_auc
from training.evaluate.metrics import auc
from training.fit.model import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset

    type Scores = dict[str, NDArray[np.float64]]

MODEL = "home-credit"
FOLDS = 5
SEEDS = (1, 2, 3)
WIDTH = 100
RESULTS = Path(__file__).parent / "results" / "history.json"


@dataclass(frozen=True, slots=True)
class Gain:
    """AUC of all out-of-fold scores without and with history, and DeLong's test of the difference.

    `low` and `high` are the ends of the difference's 95 % interval, `p` the two-sided p-value.
    """

    fields: str
    folds: str
    application: float
    history: float
    low: float
    high: float
    p: float

    @classmethod
    def of(cls, fields: str, folds: str, y: NDArray[np.int8], scores: Scores) -> Gain:
        """Compare the scores of the same rows."""
        test = compare_auc(y, scores["history"], scores["application"])
        areas = {name: auc(y, score) for name, score in scores.items()}
        low, high = test.difference.low, test.difference.high
        return cls(fields, folds, **areas, low=low, high=high, p=test.p_value)


def main() -> None:
    """Measure, print a table and keep the figures."""
    console = Console(width=WIDTH)
    tables = Path(os.environ["DATA_DIR"], "home_credit")
    definition = load_definition(MODEL)
    scores = [f.name for f in definition.features if f.name.startswith("ext_source")]
    fields = {"all": definition, "without ext_source": without(definition, scores)}
    with TemporaryDirectory() as folder, console.status("building the features") as status:
        path = Path(folder, "home-credit.parquet")
        build_offline(load_pipeline(definition.pipeline), str(tables), path)
        gains = [
            gain
            for name, chosen in fields.items()
            for gain in measure(name, chosen, str(path), status.update)
        ]
    RESULTS.write_text(json.dumps([asdict(gain) for gain in gains], indent=1) + "\n")
    console.print(_table(gains))


def measure(
    fields: str, definition: Definition, path: str, progress: Callable[[str], None]
) -> Iterator[Gain]:
    """Cross-validations without and with the online features, and the mean of their scores."""
    variants = {"application": without_history(definition), "history": definition}
    datasets = {name: load_dataset(variant, path) for name, variant in variants.items()}
    y = datasets["history"].y
    total: Scores = {name: np.zeros(len(y)) for name in variants}
    for seed in SEEDS:
        splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        splits = list(splitter.split(y[:, None], y))
        scores = {}
        for name, variant in variants.items():
            told = partial(_tell, progress, f"{fields}, seed {seed}, {name}")
            scores[name] = _out_of_fold(variant, datasets[name], splits, told)
            total[name] += scores[name]
        yield Gain.of(fields, f"seed {seed}", y, scores)
    yield Gain.of(fields, "mean scores", y, total)


def _tell(progress: Callable[[str], None], what: str, step: str) -> None:
    progress(f"{what}: {step}")


def _out_of_fold(
    definition: Definition,
    dataset: Dataset,
    splits: list[Any],
    progress: Callable[[str], None],
) -> NDArray[np.float64]:
    """Log-odds of every row by the model that has not seen its fold."""
    log_odds = np.empty(len(dataset.y))
    for number, (train, held_out) in enumerate(splits, start=1):
        progress(f"fold {number} of {FOLDS}")
        model = fit(definition, dataset.X[train], dataset.y[train])
        log_odds[held_out] = model.log_odds(dataset.X[held_out])
    return log_odds


def _table(gains: list[Gain]) -> Table:
    table = Table(
        "fields", "folds", title=f"{MODEL}: AUC, {FOLDS}-fold cross-validation, out-of-fold scores"
    )
    for column in ("application", "with history", "gain, 95 %", "p"):
        table.add_column(column, justify="right")
    for gain in gains:
        table.add_row(
            gain.fields,
            gain.folds,
            f"{gain.application:.4f}",
            f"{gain.history:.4f}",
            f"{gain.history - gain.application:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})",
            f"{gain.p:.4f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
