"""Performance in segments of the population."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from training.evaluate.delong import auc_figure
from training.evaluate.intervals import wilson
from training.evaluate.weighting import weighted_mean
from training.report.figures.groups import groups_of
from training.report.figures.rounding import rounded
from training.report.figures.scored_rows import MIN_GROUP_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from scoreline.definition.model import DefaultDefinition
    from training.report.figures.scored_rows import ScoredRows

    type Groups = Iterable[tuple[str, NDArray[np.bool_]]]

DEFAULT_SEGMENTS = 3
RANGES = 3
# With fewer rows of a class, the interval of the AUC is too wide to be useful.
MIN_OF_CLASS = 10


def segment_names(
    definition: DefaultDefinition, importance: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Features whose segments are shown: those named in the definition, or the most important.

    Parameters
    ----------
    importance : of the sources, the most important first
    """
    if definition.report.segments:
        return list(definition.report.segments)
    inputs = {feature.name for feature in definition.inputs}
    return [entry["name"] for entry in importance if entry["name"] in inputs][:DEFAULT_SEGMENTS]


def segments(
    held_out: ScoredRows, names: Sequence[str], protected: Mapping[str, Groups]
) -> list[dict[str, Any]]:
    """Figures of each group of the named features and of the protected ones."""
    position = {feature.name: i for i, feature in enumerate(held_out.contract.features)}
    found: list[dict[str, Any]] = []
    for name in [name for name in names if name in position]:
        feature = held_out.contract.features[position[name]]
        of_feature = groups_of(feature, held_out.rows.X[:, position[name]], RANGES)
        found.append({"feature": name, "groups": list(figures(held_out, of_feature))})
    for name, groups in protected.items():
        found.append({"feature": name, "groups": list(figures(held_out, groups))})
    return rounded(found)


def figures(held_out: ScoredRows, groups: Groups) -> Iterator[dict[str, Any]]:
    """Rows, bad rate with Wilson's interval, mean probability and AUC with DeLong's of each group.

    A group of under 30 rows has no figures, not even its size; one with under ten rows of a class
    has no AUC.
    """
    for name, rows in groups:
        y, probability = held_out.y[rows], held_out.probability[rows]
        if len(y) < MIN_GROUP_ROWS:
            yield {"group": name, "rows": None}
            continue
        group = {
            "group": name,
            "rows": len(y),
            "bad_rate": asdict(wilson(*held_out.tally(held_out.y == 1, rows))),
            "probability": weighted_mean(probability, held_out.weight[rows]),
            "auc": None,
        }
        if min(y.sum(), len(y) - y.sum()) >= MIN_OF_CLASS:
            group["auc"] = asdict(auc_figure(y, probability, held_out.weighting.take(rows)))
        yield group
