"""Labels and features of a dataset as numbers; rows that break the definition are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoreline.core.errors import DatasetError
from scoreline.core.features import UNSEEN_CATEGORY
from training.data.columns import amounts, category_codes, to_numpy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from scoreline.core.features import Feature
    from scoreline.definition.model import TargetColumn
    from training.data.exclusions import Exclusions

    type Rule = tuple[str, Callable[[NDArray[np.float64]], NDArray[np.bool_]]]

MISSING_LABEL = "the label is missing"


def encode_labels(
    target: TargetColumn, table: pa.Table, exclusions: Exclusions
) -> NDArray[np.int8]:
    """1 where the event happened, shape (n_rows,); rows without a label are left out."""
    # pandas writes booleans to CSV as True and False; those of Parquet read as true and false.
    text = table[target.column]
    text = pc.if_else(pc.is_in(text, pa.array(["True", "False"])), pc.utf8_lower(text), text)
    happened = pc.is_in(text, pa.array(target.positive))
    known = pc.or_(happened, pc.is_in(text, pa.array(target.negative)))
    unknown = pc.sum(pc.and_(pc.invert(known), pc.is_valid(text))).as_py()
    if unknown:
        raise DatasetError(f"{target.column}: {unknown} rows hold a label that is not defined")
    exclusions.exclude(to_numpy(pc.is_null(text)), f"{target.column}: {MISSING_LABEL}")
    return to_numpy(happened).astype(np.int8)


def encode_feature(
    feature: Feature, table: pa.Table, exclusions: Exclusions
) -> NDArray[np.float32]:
    """A column of the model's input, shape (n_rows,): category codes or amounts."""
    values = (category_codes if feature.type == "category" else amounts)(feature, table)
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
