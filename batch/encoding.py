"""Encodes the columns of a file as model input and finds every rule that a row breaks.

The rules are those of a single application (`scoreline/scoring/application.py`), applied to whole
columns. Where a file lacks JSON's types, values are read as in training: NaN is a missing value, 0
and 1 are truth values, whole numbers are category texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch.columns import EMPTY_TEXT, UNREADABLE, amounts, booleans, codes
from batch.holdings import Holdings
from scoreline.api.fields import IDENTIFIER, MAX_ID, REQUIRED
from scoreline.arrow.columns import as_text, is_number, is_text
from scoreline.core.categories import CategoryCodes
from scoreline.core.errors import BatchError, FieldError
from scoreline.core.features import UNSEEN_CATEGORY
from scoreline.scoring.application import (
    EMPTY,
    NOT_BOOLEAN,
    NOT_FINITE,
    NOT_INTEGER,
    category_rule,
    number_rule,
    range_rule,
    text_rule,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from scoreline.core.contract import Contract
    from scoreline.core.features import Feature

    # A rule, and which rows break it, shape (n_rows,).
    type Breach = tuple[str, NDArray[np.bool_]]


@dataclass(frozen=True)
class EncodedRows:
    """Encoded rows of one part of a file.

    Attributes
    ----------
    X : float32, shape (n_features, n_rows): a column of the file is contiguous
    held : whether the customer holds a product, shape (n_labels, n_rows)
    ids : text of each row, or None where the file has no id
    rows : position of each row in the part, shape (n_rows,)
    broken : field, rule, and which rows break it, shape (n_rows,)
    """

    X: NDArray[np.float32]
    held: NDArray[np.bool_]
    ids: pa.ChunkedArray | None
    rows: NDArray[np.int64]
    broken: Sequence[tuple[str, str, NDArray[np.bool_]]] = ()

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Whether each row complies with every rule, shape (n_rows,)."""
        if not self.broken:
            return np.ones(self.X.shape[1], bool)
        return ~np.any([rows for _, _, rows in self.broken], axis=0)

    @property
    def accepted(self) -> EncodedRows:
        """The rows that comply with every rule."""
        if not self.broken:
            return self
        kept = self.kept
        ids = None if self.ids is None else self.ids.filter(pa.array(kept))
        return EncodedRows(self.X[:, kept], self.held[:, kept], ids, self.rows[kept])


class FileEncoder:
    """Encodes the parts of one file for one model."""

    def __init__(
        self,
        contract: Contract,
        schema: pa.Schema,
        id_column: str | None,
        *,
        untyped: bool,
        decimal: str = ".",
    ) -> None:
        """Find each feature's column by its name, an alias or its dataset name.

        Parameters
        ----------
        id_column : column of the ids; None where rows are identified by their number
        untyped : all columns are text, as in CSV, where "" is a missing value
        decimal : the mark before the decimals of a number that is written as text

        Raises
        ------
        BatchError
            A column is missing, appears twice or has the wrong type.
        """
        self._features = contract.features
        self._codes = {f.name: CategoryCodes(f) for f in contract.features if f.type == "category"}
        self._found = {f.name: _column_of(f, schema.names) for f in contract.features}
        self._id = id_column
        self._untyped, self._decimal = untyped, decimal
        self._holdings = Holdings(contract, schema, untyped=untyped)
        problems = [*self._problems(schema), *self._holdings.problems]
        if problems:
            raise BatchError("the file does not fit the model", tuple(problems))

    @property
    def columns(self) -> dict[str, bool]:
        """The columns to read, and whether each holds categories."""
        pairs = [(self._found[f.name], f.type == "category") for f in self._features]
        pairs += [(column, False) for column in self._holdings.columns]
        return {name: is_category for name, is_category in [(self._id, False), *pairs] if name}

    @property
    def absent(self) -> list[str]:
        """Features without a column in the file, which are missing in every row."""
        return [name for name, column in self._found.items() if column is None]

    def encode(self, table: pa.Table) -> EncodedRows:
        """Encode and check the rows of a table with these columns."""
        X = np.full((len(self._features), table.num_rows), np.nan, np.float32)
        broken = []
        for row, feature in zip(X, self._features, strict=True):
            column = self._found[feature.name]
            if column is None:
                continue
            values, breaches = self._read(feature, table[column])
            broken += [(feature.name, rule, rows) for rule, rows in breaches if rows.any()]
            with np.errstate(over="ignore"):  # overflow is out of range, which a rule reports
                row[:] = values
        held, held_breaches = self._holdings.read(table)
        broken += [breach for breach in held_breaches if breach[2].any()]
        ids = None if self._id is None else _text(table[self._id])
        if ids is not None and (wrong := ~is_id(ids)).any():
            broken.append(("id", IDENTIFIER.rule, wrong))
        return EncodedRows(X, held, ids, np.arange(table.num_rows), broken)

    def _problems(self, schema: pa.Schema) -> Iterator[FieldError]:
        for feature in self._features:
            column = self._found[feature.name]
            if column is None:
                if not feature.nullable:
                    yield FieldError(feature.name, "is required, but the file has no such column")
            elif schema.names.count(column) > 1:
                yield FieldError(feature.name, "appears twice in the file")
            elif not self._fits(feature, schema.field(column).type):
                yield FieldError(feature.name, f"the column is not of type {feature.type}")
        if self._id is not None and self._id not in schema.names:
            yield FieldError(self._id, "the file has no such column")

    def _fits(self, feature: Feature, kind: pa.DataType) -> bool:
        truth = bool(pa.types.is_boolean(kind))
        if feature.type == "category":
            return is_text(kind) or is_number(kind) or truth
        return self._untyped or is_number(kind) or (truth and feature.type == "boolean")

    def _read(
        self, feature: Feature, column: pa.ChunkedArray
    ) -> tuple[NDArray[np.float64], list[Breach]]:
        """Values and breaches; a row is reported for the first rule of a field that it breaks."""
        if feature.type == "category":
            categories = self._codes[feature.name]
            values = codes(column, categories, untyped=self._untyped)
            if self._untyped:
                values[values == EMPTY_TEXT] = np.nan
            breaches = _category_breaches(feature, values)
            return values, [
                (text_rule(categories), values == UNREADABLE),
                *_missing(feature, values),
                *breaches,
            ]
        if feature.type == "boolean":
            values = booleans(column)
            return values, [*_missing(feature, values), (NOT_BOOLEAN, values == UNREADABLE)]
        values, unread = amounts(column, self._decimal)
        low, high = feature.range
        inside = (values >= low) & (values <= high)
        if feature.type == "integer":
            inside &= values == np.rint(values)
        # Most columns are valid; rules are told apart only where some value is not.
        return values, [] if inside.all() else [*_number_breaches(feature, values, unread)]


def is_id(ids: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Whether texts are valid ids of an application."""
    length = pc.fill_null(pc.utf8_length(ids), 0)
    found: NDArray[np.bool_] = pc.and_(
        pc.greater(length, 0), pc.less_equal(length, MAX_ID)
    ).to_numpy()
    return found


def _column_of(feature: Feature, names: list[str]) -> str | None:
    known = (feature.name, *feature.aliases, feature.dataset_column)
    return next((name for name in known if name in names), None)


def _missing(feature: Feature, values: NDArray[np.float64]) -> Iterator[Breach]:
    if not feature.nullable:
        yield REQUIRED, np.isnan(values)


def _category_breaches(feature: Feature, values: NDArray[np.float64]) -> Iterator[Breach]:
    yield EMPTY, values == EMPTY_TEXT
    if feature.unseen == "refuse":
        yield category_rule(feature), values == UNSEEN_CATEGORY


def _number_breaches(
    feature: Feature, values: NDArray[np.float64], unread: NDArray[np.bool_] | None
) -> Iterator[Breach]:
    missing = np.isnan(values)
    if unread is not None:
        yield number_rule(feature), unread
        missing &= ~unread
    if not feature.nullable:
        yield REQUIRED, missing
    low, high = feature.range
    amount = ~np.isnan(values) & ~np.isin(values, feature.specials)
    outside = amount & ~((values >= low) & (values <= high))
    infinite = np.isinf(values)
    yield NOT_FINITE, outside & infinite
    yield range_rule(feature), outside & ~infinite
    if feature.type == "integer":
        yield NOT_INTEGER, amount & ~outside & (values != np.rint(values))


def _text(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    if is_text(ids.type):
        return ids.cast(pa.string())
    return as_text(ids)
