"""Rules between the tables of a definition: columns, algorithm, tuning, products."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from scoreline.core.errors import MAX_NAME
from scoreline.core.versions import is_model_name
from scoreline.definition.algorithms import ALGORITHMS
from scoreline.definition.search_spaces import SPACES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scoreline.core.contract import Label
    from scoreline.core.features import DerivedFeature, Feature
    from scoreline.definition.problems import Problem


def check_name(name: str) -> Iterable[Problem]:
    """The name of a model is part of paths and URLs."""
    if not is_model_name(name):
        yield "", f"must be lower-case words joined by hyphens, at most {MAX_NAME} characters"


def check_columns(
    features: Iterable[Feature], targets: Mapping[str, Sequence[str]]
) -> Iterable[Problem]:
    """Target columns must not be features; `targets` is key -> columns."""
    columns = {feature.dataset_column for feature in features}
    for key, names in targets.items():
        for column, count in Counter(names).items():
            if column in columns:
                yield key, "the column is a feature as well"
            if count > 1:
                yield key, f"the column is named {count} times"


def check_units(features: Iterable[Feature], row: str, group: str) -> Iterable[Problem]:
    """The columns of the id and the group are no features, and are two columns."""
    columns = {feature.dataset_column for feature in features}
    for key, column in (("id", row), ("group", group)):
        if column in columns:
            yield key, "the column is a feature as well"
    if group and group == row:
        yield "group", "the column is the id as well, so every group would have one row"


def check_outcomes(targets: Iterable[str], others: Mapping[str, str]) -> Iterable[Problem]:
    """No column to learn is an id, a group or a time; `others` is key -> column."""
    for key, column in others.items():
        if column in targets:
            yield key, "the column is the target as well"


def check_weight(
    weight: str, features: Iterable[Feature], others: Iterable[str]
) -> Iterable[Problem]:
    """The column of the weights has no other role; `weight` is empty where rows have no weights."""
    if weight in {feature.dataset_column for feature in features}:
        yield "weight", "the column is a feature as well"
    if weight and weight in others:
        yield "weight", "the column is the target, the id or the group as well"


def check_pipeline(pipeline: str, features: Iterable[Feature]) -> Iterable[Problem]:
    """Online features are looked up in the pipeline's table."""
    if bool(pipeline) != any(feature.online for feature in features):
        yield "pipeline", "is needed if features are online, and only then"


def check_directions(
    algorithm: str, sources: Iterable[Feature | DerivedFeature]
) -> Iterable[Problem]:
    """Monotone directions need an algorithm that holds them."""
    has_directions = any(source.monotone for source in sources)
    if has_directions and not ALGORITHMS[algorithm].holds_directions:
        yield "algorithm.name", f"{algorithm} cannot hold a monotone direction"


def check_tuning(
    algorithm: str, parameters: Mapping[str, object], max_depth: int
) -> Iterable[Problem]:
    """Something must be left to search."""
    if not SPACES[algorithm](max_depth).keys() - parameters:
        yield "tuning", "algorithm.parameters leave nothing to search"


def check_segments(segments: Iterable[str], inputs: Iterable[Feature]) -> Iterable[Problem]:
    """Segments of the report are features of the model."""
    names = {feature.name for feature in inputs}
    for name in segments:
        if name not in names:
            yield "report.segments", f"{name} is not a feature of the model"


def check_labels(labels: Sequence[Label], top: int) -> Iterable[Problem]:
    """Products are named once, and there are enough of them to recommend."""
    for name, count in Counter(label.name for label in labels).items():
        if count > 1:
            yield f"labels.{name}", f"is named {count} times"
    if top > len(labels):
        yield "top", "must not be above the number of labels"
