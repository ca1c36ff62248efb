"""What the history of a customer adds to the application: home-credit with and without it.

    DATA_DIR=... python -m bench.history

Both are fitted with the definition's algorithm and parameters on the same folds of the same rows,
in three cross-validations with folds of their own. DATA_DIR is a folder that holds the Home Credit
tables in `home_credit/`.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import norm, rankdata
from sklearn.model_selection import StratifiedKFold

from features.build import build_offline
from features.catalogue import load_pipeline
from training.dataset import load_dataset
from training.definition import load_definition
from training.evaluation import auc
from training.fitting import fit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from training.dataset import Dataset
    from training.definition import Definition

MODEL = "home-credit"
FOLDS = 5
SEEDS = (1, 2, 3)
RESULTS = Path(__file__).parent / "results" / "history.json"


@dataclass(frozen=True, slots=True)
class Gain:
    """AUC of all out-of-fold scores without and with history, and their difference.

    `low` and `high` are the ends of the difference's 95 % interval, `p` its two-sided probability
    where there is none, both by DeLong's method for two scores of the same rows.
    """

    seed: int
    application: float
    history: float
    low: float
    high: float
    p: float


def main() -> None:
    """Measure, print a table and keep the figures."""
    console = Console()
    tables = Path(os.environ["DATA_DIR"], "home_credit")
    definition = load_definition(MODEL)
    with TemporaryDirectory() as folder, console.status("building the features") as status:
        path = Path(folder, "home-credit.parquet")
        build_offline(load_pipeline(definition.pipeline), str(tables), path)
        gains = [measure(definition, str(path), seed, status.update) for seed in SEEDS]
    RESULTS.write_text(json.dumps([asdict(gain) for gain in gains], indent=1) + "\n")
    console.print(_table(gains))


def measure(definition: Definition, path: str, seed: int, progress: Callable[[str], None]) -> Gain:
    """Cross-validate the definition without and with its online features."""
    variants = {"application": definition.without_history(), "history": definition}
    datasets = {name: load_dataset(variant, path) for name, variant in variants.items()}
    y = datasets["history"].y
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    splits = list(splitter.split(y[:, None], y))
    scores = {
        name: _out_of_fold(
            variant, datasets[name], splits, lambda f, name=name: progress(f"{seed}: {name} {f}")
        )
        for name, variant in variants.items()
    }
    areas = {name: auc(y, score) for name, score in scores.items()}
    gain = areas["history"] - areas["application"]
    error = np.sqrt(difference_variance(y, scores["history"], scores["application"]))
    margin = norm.ppf(0.975) * error
    p = 2 * norm.sf(abs(gain) / error)
    return Gain(seed, **areas, low=gain - margin, high=gain + margin, p=float(p))


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


def difference_variance(
    y: NDArray[np.int8], first: NDArray[np.float64], second: NDArray[np.float64]
) -> float:
    """Variance of the difference between the AUCs of two scores of the same rows.

    References
    ----------
    DeLong et al., Biometrics 44 (1988); in the mid-rank form of Sun and Xu, IEEE SPL 21 (2014).
    """
    over_goods, under_defaults = (
        a - b for a, b in zip(_placements(y, first), _placements(y, second), strict=True)
    )
    return float(
        over_goods.var(ddof=1) / len(over_goods) + under_defaults.var(ddof=1) / len(under_defaults)
    )


def _placements(
    y: NDArray[np.int8], score: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of goods below each default, and of defaults above each good."""
    defaults, goods = score[y == 1], score[y == 0]
    m, n = len(defaults), len(goods)
    ranks = rankdata(np.concatenate([defaults, goods]))
    return (ranks[:m] - rankdata(defaults)) / n, 1 - (ranks[m:] - rankdata(goods)) / m


def _table(gains: list[Gain]) -> Table:
    table = Table("folds", title=f"{MODEL}: AUC, {FOLDS}-fold cross-validation, out-of-fold scores")
    for column in ("application", "with history", "gain, 95 %", "p"):
        table.add_column(column, justify="right")
    for gain in gains:
        table.add_row(
            f"seed {gain.seed}",
            f"{gain.application:.4f}",
            f"{gain.history:.4f}",
            f"{gain.history - gain.application:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})",
            f"{gain.p:.4f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
