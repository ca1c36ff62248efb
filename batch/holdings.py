"""Products that customers hold: a column `held`, or a column for each product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch.columns import UNREADABLE, booleans
from scoreline.arrow.columns import is_number, is_text
from scoreline.core.contract import HELD
from scoreline.core.errors import FieldError
from scoreline.scoring.application import NOT_BOOLEAN, held_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scoreline.core.contract import Contract


class Holdings:
    """Reads the products held; no product is held where the file has no column for it.

    `held` is a list of products or a comma-separated text. A product's own column has its name or
    its dataset name, and is 1 where the product is held.
    """

    def __init__(self, contract: Contract, schema: pa.Schema, *, untyped: bool) -> None:
        self._names = [label.name for label in contract.labels]
        self._rule = held_rule(contract)
        self._listed = bool(contract.labels) and HELD in schema.names
        known = [(label.name, label.dataset_column) for label in contract.labels]
        self._found = {
            names[0]: column
            for names in known
            if (column := next((n for n in names if n in schema.names), None)) and not self._listed
        }
        self.problems = [*self._broken_types(schema, untyped=untyped)]

    @property
    def columns(self) -> list[str]:
        """The columns to read."""
        return [HELD] if self._listed else [*self._found.values()]

    def read(
        self, table: pa.Table
    ) -> tuple[NDArray[np.bool_], list[tuple[str, str, NDArray[np.bool_]]]]:
        """Whether a customer holds a product, shape (n_labels, n_rows), and breaches of rules."""
        held = np.zeros((len(self._names), table.num_rows), bool)
        if self._listed:
            row, product = self._pairs(table[HELD])
            held[product[product >= 0], row[product >= 0]] = True
            unknown = np.zeros(table.num_rows, bool)
            unknown[row[product < 0]] = True
            return held, [(HELD, self._rule, unknown)]
        broken = []
        for name, column in self._found.items():
            values = booleans(table[column])
            held[self._names.index(name)] = values == 1
            broken.append((name, NOT_BOOLEAN, values == UNREADABLE))
        return held, broken

    def _pairs(self, column: pa.ChunkedArray) -> tuple[NDArray[Any], NDArray[Any]]:
        """Row and product of every holding; -1 for an unknown product."""
        if is_text(column.type):
            text = column.cast(pa.string())
            column = pc.split_pattern(pc.if_else(pc.equal(text, ""), None, text), ",")
        lists = column.combine_chunks()
        names = pc.utf8_trim_whitespace(pc.list_flatten(lists))
        products = pc.fill_null(pc.index_in(names, pa.array(self._names, pa.string())), -1)
        return pc.list_parent_indices(lists).to_numpy(), products.to_numpy()

    def _broken_types(self, schema: pa.Schema, *, untyped: bool) -> Iterator[FieldError]:
        if self._listed:
            kind = schema.field(HELD).type
            if not is_text(kind) and not (pa.types.is_list(kind) and is_text(kind.value_type)):
                yield FieldError(HELD, "the column holds neither lists of products nor texts")
        for name, column in self._found.items():
            kind = schema.field(column).type
            if not (untyped or is_number(kind) or pa.types.is_boolean(kind)):
                yield FieldError(name, "the column is not of type boolean")
