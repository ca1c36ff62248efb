"""Effects of features on the probability: importance, and contribution by value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.core.features import Feature
from scoreline.scoring.many_rows import run_log_odds, run_rows
from training.data.sampling import drawn
from training.evaluate.metrics import auc
from training.evaluate.weighting import weighted_quantiles
from training.report.figures.groups import groups_of
from training.report.figures.rounding import rounded
from training.report.figures.scored_rows import MIN_GROUP_ROWS, SEED

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onnxruntime
    from numpy.typing import NDArray

    from scoreline.core.contract import Contract
    from training.report.figures.scored_rows import ScoredRows

EXPLAINED_ROWS = 5_000
SHUFFLED_ROWS = 2_000
SHUFFLES = 3
SHAPES = 20
MOST_RANGES, FEWEST_RANGES = 10, 3
# A mean over fewer rows would nearly reveal the contribution of one person.
MIN_RANGE_ROWS = 5


@dataclass(frozen=True)
class ExplainedRows:
    """Rows with their contributions and log-odds.

    Attributes
    ----------
    X : as encoded, shape (n_rows, n_features)
    values : amounts of all sources, shape (n_rows, n_sources)
    contributions : of all sources to the margin, shape (n_rows, n_sources)
    margin, log_odds : shape (n_rows,)
    weight : rows of the population that each stands for; None where all count alike
    """

    X: NDArray[np.float32]
    values: NDArray[np.float32]
    contributions: NDArray[np.float32]
    margin: NDArray[np.float32]
    log_odds: NDArray[np.float32]
    weight: NDArray[np.float64] | None


def explain(
    session: onnxruntime.InferenceSession, held_out: ScoredRows, rows: NDArray[np.int64]
) -> ExplainedRows:
    """Run some of the rows through a graph with its contributions."""
    X = held_out.rows.X[rows]
    weight = None if held_out.weighting.even else held_out.weight[rows]
    outputs = ["values", "contributions", "margin", "log_odds"]
    values, contributions, margin, log_odds = run_rows(session, X, outputs)
    return ExplainedRows(X, values, contributions, margin[:, 0], log_odds[:, 0], weight)


def importance(
    contract: Contract, explained: ExplainedRows, lost: dict[str, float]
) -> list[dict[str, Any]]:
    """Mean absolute contribution of each source and its share of the total, the largest first.

    Parameters
    ----------
    lost : AUC lost when a feature's values are shuffled
    """
    sizes = _mean(np.abs(explained.contributions), explained.weight)
    total = float(sizes.sum()) or 1.0
    entries: list[dict[str, Any]] = [
        {
            "name": source.name,
            "mean_contribution": float(size),
            "share": float(size) / total,
            "auc_lost": lost.get(source.name),
        }
        for source, size in zip(contract.sources, sizes, strict=True)
    ]
    return rounded(sorted(entries, key=lambda entry: -entry["mean_contribution"]))


def auc_lost(
    contract: Contract, batch: onnxruntime.InferenceSession, held_out: ScoredRows
) -> dict[str, float]:
    """AUC lost when one field's values are shuffled among applicants, the mean of three shuffles.

    Features that are derived from the field change with it. The values of weighted rows are drawn
    as often as the population has them.

    References
    ----------
    Permutation importance: Breiman, Random forests, Machine Learning 45 (2001).
    """
    rows = drawn(len(held_out.y), SHUFFLED_ROWS)
    X, y, weighting = held_out.rows.X[rows], held_out.y[rows], held_out.weighting.take(rows)
    weight = None if weighting.even else held_out.weight[rows]
    whole = auc(y, held_out.probability[rows], weighting)
    rng = np.random.default_rng(SEED)
    lost = {}
    for position, feature in enumerate(contract.features):
        shuffled = np.tile(X, (SHUFFLES, 1))
        shuffled[:, position] = np.concatenate(
            [_shuffled(X[:, position], weight, rng) for _ in range(SHUFFLES)]
        )
        # All shuffles in one run of the graph.
        parts = np.split(run_log_odds(batch, shuffled), SHUFFLES)
        lost[feature.name] = whole - float(np.mean([auc(y, part, weighting) for part in parts]))
    return lost


def shapes(
    contract: Contract, explained: ExplainedRows, ranked: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Contribution to the margin by value, of the 20 most important sources.

    Parameters
    ----------
    ranked : sources with their `name`, the most important first
    """
    position = {source.name: i for i, source in enumerate(contract.sources)}
    return [
        rounded({"name": entry["name"], "groups": list(_shape(contract, explained, i))})
        for entry in ranked[:SHAPES]
        if entry["share"]
        for i in [position[entry["name"]]]
    ]


def _shape(contract: Contract, explained: ExplainedRows, position: int) -> Iterator[dict[str, Any]]:
    """Mean and 10th and 90th percentile of the contribution in each group; `at` is the median."""
    source = contract.sources[position]
    amounts = explained.values[:, position]
    values = explained.X[:, position] if isinstance(source, Feature) else amounts
    is_amount = not isinstance(source, Feature) or source.type in ("number", "integer")
    ranges = int(np.clip(len(values) // MIN_GROUP_ROWS, FEWEST_RANGES, MOST_RANGES))
    for name, rows in groups_of(source, values, ranges):
        group: dict[str, Any] = {"group": name, "rows": None}
        if rows.sum() >= MIN_RANGE_ROWS:
            weight = None if explained.weight is None else explained.weight[rows]
            contributions = explained.contributions[rows, position].astype(np.float64)
            low, high = weighted_quantiles(contributions, [0.1, 0.9], weight).tolist()
            mean = float(_mean(contributions, weight))
            group |= {"rows": len(contributions), "contribution": mean, "low": low, "high": high}
            if is_amount and not np.isnan(amounts[rows]).any():
                group["at"] = float(weighted_quantiles(amounts[rows], 0.5, weight))
        yield group


def _mean(values: NDArray[Any], weight: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """The mean along the first axis."""
    return np.asarray(np.average(values.astype(np.float64), axis=0, weights=weight))


def _shuffled(
    values: NDArray[np.float32], weight: NDArray[np.float64] | None, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The values in another order, or as many drawn by weight."""
    if weight is None:
        return rng.permutation(values)
    return rng.choice(values, len(values), p=weight / weight.sum())
