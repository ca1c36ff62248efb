"""Labels and features of a dataset as numbers; rows that break the definition are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoreline.core.errors import MAX_NAME, DatasetError
from scoreline.core.features import UNSEEN_CATEGORY
from training.data.columns import amounts, category_codes, kind_of_cells, to_numpy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from scoreline.core.features import Feature
    from scoreline.definition.model import TargetColumn
    from training.data.exclusions import Exclusions

    type Rule = tuple[str, Callable[[NDArray[np.float64]], NDArray[np.bool_]]]

MISSING_LABEL = "the label is missing"
IGNORED_LABEL = "the label is ignored"
SHOWN_LABELS = 5


def encode_labels(
    target: TargetColumn, table: pa.Table, exclusions: Exclusions
) -> NDArray[np.int8]:
    """1 where the event happened, shape (n_rows,); rows without a label are left out."""
    text = _labels(target, table[target.column])
    happened = pc.is_in(text, pa.array(target.positive))
    known = pc.or_(happened, pc.is_in(text, pa.array(target.negative)))
    ignored = pc.is_in(text, pa.array(target.ignored, pa.string()))
    unknown = text.filter(pc.and_(pc.invert(pc.or_(known, ignored)), pc.is_valid(text)))
    if len(unknown):
        raise DatasetError(
            f"{target.column}: {len(unknown):,} rows hold a label that is not defined:"
            f" {_some(unknown)}"
        )
    exclusions.exclude(to_numpy(pc.is_null(text)), f"{target.column}: {MISSING_LABEL}")
    exclusions.exclude(to_numpy(ignored), f"{target.column}: {IGNORED_LABEL}")
    return to_numpy(happened).astype(np.int8)


def _labels(target: TargetColumn, text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Labels as a definition writes them: 1.0 is 1, True is true, and 1 where it says 1."""
    text = pc.replace_substring_regex(text, r"^([+-]?\d+)\.0+$", r"\1")
    lower = pc.utf8_lower(text)
    is_truth = pc.is_in(lower, pa.array(["true", "false"]))
    text = pc.if_else(is_truth, lower, text)
    if {"true", "false"} & {*target.positive, *target.negative}:
        return text
    number = pc.if_else(pc.equal(lower, "true"), "1", "0")
    return pc.if_else(is_truth, number, text)


def _some(labels: pa.ChunkedArray) -> str:
    """Some of the labels, cut where they are long; an outcome has few, and none is a person's."""
    found = sorted(pc.unique(labels).to_pylist())
    more = ", ..." if len(found) > SHOWN_LABELS else ""
    return ", ".join(label[:MAX_NAME] for label in found[:SHOWN_LABELS]) + more


def encode_feature(
    feature: Feature, table: pa.Table, exclusions: Exclusions
) -> NDArray[np.float32]:
    """A column of the model's input, shape (n_rows,): category codes or amounts."""
    if feature.type == "category":
        values = category_codes(feature, table)
    else:
        values, wrong = amounts(feature, table)
        if wrong is not None:
            kind = kind_of_cells(table[feature.dataset_column], wrong)
            exclusions.exclude(wrong, f"{feature.name}: is not a number, but {kind}")
    missing = np.isnan(values)
    if not feature.nullable:
        exclusions.exclude(missing, f"{feature.name}: is required")
    for rule, breaks in _rules(feature):
        with np.errstate(invalid="ignore"):
            exclusions.exclude(breaks(values) & ~missing, f"{feature.name}: {rule}")
    with np.errstate(over="ignore"):  # rows that overflow float32 are out of range, so left out
        return values.astype(np.float32)


def _rules(feature: Feature) -> Iterable[Rule]:
    """(rule, values -> which of them break it)."""
    if feature.type == "category":
        if feature.unseen == "refuse":
            yield "is not among the categories", lambda v: v == UNSEEN_CATEGORY
        return
    low, high = feature.range
    specials = feature.specials
    yield "is out of range", lambda v: ~(((v >= low) & (v <= high)) | np.isin(v, specials))
    if feature.type != "number":
        yield "is not an integer", lambda v: v != np.round(v)
