"""What the columns of a file hold: kinds, ranges, categories, suspected codes, directions."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from scoreline.arrow.columns import NULLS, as_text, is_number, is_text
from scoreline.arrow.csv_dialect import is_csv
from scoreline.core.errors import DatasetError
from training.data.files import list_files
from training.data.formats import decompressed, dialect_of_file, invalid_file
from training.evaluate.metrics import auc
from training.gates.single_feature_auc import cross_fitted_auc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scoreline.core.features import Monotone
    from training.data.files import DataFile

    type Kind = Literal["number", "integer", "boolean", "category", "text", "date", "constant"]

MAX_CATEGORIES = 100
BINS = 10
MIN_CODE_ROWS = 3
CODES = [
    *(-1, -2, -3, -7, -8, -9, -98, -99, -998, -999, -9998, -9999, -99999, -999999),
    *(98, 99, 998, 999, 9998, 9999, 99999, 999999, 9999999, 99999999, 999999999),
]
DATE = re.compile(r"\d{4}[-/.]?\d{1,2}[-/.]?\d{1,2}(?:[T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}")
# An AUC that differs less from .5 suggests no direction.
MIN_EFFECT = 0.02


@dataclass(frozen=True, slots=True)
class Profile:
    """A column of a file.

    Attributes
    ----------
    missing, distinct : rows without a value, and number of different values
    low, high : ends of the amounts, special codes left out
    codes : numbers that look like special codes
    categories : texts, the most frequent first
    normalize : some texts differ by case or spaces only
    auc : of the column alone for the outcome, in rows that it was not computed from
    direction : how the bad rate moves as the amount rises, where it moves one way
    """

    column: str
    kind: Kind
    missing: int
    distinct: int
    low: float = 0.0
    high: float = 0.0
    codes: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    normalize: bool = False
    auc: float = 0.5
    direction: Monotone | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The column to learn: its labels of default and of good, and 1 for default in each row.

    Attributes
    ----------
    known : rows that hold one of the labels
    """

    column: str
    default: str | int
    good: str | int
    y: NDArray[np.int8] = field(repr=False)
    known: NDArray[np.bool_] = field(repr=False)

    @property
    def rate(self) -> float:
        """The share of defaults."""
        return float(self.y[self.known].mean())


def read_table(path: str) -> pa.Table:
    """All columns of the files at a path, with the types that they have or seem to have."""
    tables = [_table_of(file) for file in list_files(path)]
    table = pa.concat_tables(tables, promote_options="permissive")
    if not table.num_rows:
        raise DatasetError(f"{path}: has a header and no rows")
    return table


def _table_of(file: DataFile) -> pa.Table:
    content = decompressed(file.name, file.read())
    try:
        if not is_csv(file.name):
            return parquet.read_table(io.BytesIO(content))
        dialect = dialect_of_file(file.name, content)
        convert = csv.ConvertOptions(
            null_values=NULLS, strings_can_be_null=False, decimal_point=dialect.decimal
        )
        return csv.read_csv(
            io.BytesIO(content), dialect.read(), dialect.parse, convert_options=convert
        )
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise invalid_file(file.name, content) from error


# Labels that mean a default, in lower case.
BAD = {"1", "true", "yes", "y", "bad", "default", "defaulted", "charged off", "late", "delinquent"}


def outcome_of(table: pa.Table, column: str) -> Outcome:
    """The outcome in a column of two labels; the rarer one is the default unless one says so.

    Raises
    ------
    DatasetError
        The column is missing or does not hold two labels.
    """
    if column not in table.schema.names:
        raise DatasetError(f"{column}: no such column; found: {', '.join(table.schema.names)}")
    values = table[column]
    counted = {pair["values"]: pair["counts"] for pair in pc.value_counts(values).to_pylist()}
    counted.pop(None, None)
    if len(counted) != 2:
        raise DatasetError(
            f"{column}: holds {len(counted)} different labels; the target has two, default and good"
        )
    default = _default_of(counted)
    [good] = counted.keys() - {default}
    known = pc.is_valid(values).to_numpy()
    y = pc.fill_null(pc.equal(values, pa.scalar(default, values.type)), False).to_numpy()
    return Outcome(column, _label(default), _label(good), y.astype(np.int8), known)


def _default_of(counted: dict[object, int]) -> object:
    named = [label for label in counted if str(label).strip().lower().removesuffix(".0") in BAD]
    return named[0] if len(named) == 1 else min(counted, key=lambda label: counted[label])


def _label(value: object) -> str | int:
    """A label as a definition writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) and value == int(value):
        return int(value)
    return str(value)


def profile(table: pa.Table, column: str, outcome: Outcome) -> Profile:
    """What a column of the table holds."""
    values = table[column]
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind, missing = values.type, values.null_count
    if pa.types.is_nested(kind) or pa.types.is_null(kind):
        return Profile(column, "text" if missing < len(values) else "constant", missing, 0)
    distinct = pc.count_distinct(values).as_py()
    if distinct < 2:
        return Profile(column, "constant", missing, distinct)
    if pa.types.is_temporal(kind):
        return Profile(column, "date", missing, distinct)
    if pa.types.is_boolean(kind):
        found = values.cast(pa.int8()).to_numpy().astype(float)
        return Profile(column, "boolean", missing, distinct, auc=_auc_alone(found, outcome))
    if is_number(kind):
        return _of_numbers(column, values, distinct, outcome)
    if is_text(kind) or pa.types.is_string_view(kind):
        return _of_texts(column, as_text(values), distinct, outcome)
    return Profile(column, "text", missing, distinct)


def _of_numbers(column: str, values: pa.ChunkedArray, distinct: int, outcome: Outcome) -> Profile:
    numbers = values.cast(pa.float64(), safe=False).to_numpy()
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    codes = _codes(numbers)
    amounts = np.where(np.isin(numbers, codes), np.nan, numbers)
    whole = bool(np.all(np.isnan(amounts) | (amounts == np.round(amounts))))
    return Profile(
        column,
        "integer" if whole else "number",
        int(np.isnan(numbers).sum()),
        distinct,
        low=float(np.nanmin(amounts)),
        high=float(np.nanmax(amounts)),
        codes=codes,
        auc=_auc_alone(numbers, outcome),
        direction=_direction(amounts, outcome),
    )


def _of_texts(column: str, text: pa.ChunkedArray, distinct: int, outcome: Outcome) -> Profile:
    counted = pc.value_counts(text.drop_null()).to_pylist()
    counted.sort(key=lambda pair: (-pair["counts"], pair["values"]))
    names = tuple(pair["values"] for pair in counted if pair["values"].strip())
    missing = text.null_count + sum(p["counts"] for p in counted if not p["values"].strip())
    if len(names) < 2:
        return Profile(column, "constant", missing, distinct)
    spellings = {" ".join(name.split()).casefold(): name for name in reversed(names)}
    spaces = any(pair["values"].isspace() for pair in counted)
    normalize = spaces or len(spellings) < len(names)
    if normalize:  # the most frequent spelling stands for the others
        text = pc.utf8_lower(pc.utf8_trim_whitespace(text))
    if names and sum(DATE.fullmatch(name) is not None for name in names) > 0.9 * len(names):
        return Profile(column, "date", missing, distinct)
    if len(names) > MAX_CATEGORIES:
        return Profile(column, "text", missing, distinct)
    codes = text.combine_chunks().dictionary_encode().indices
    return Profile(
        column,
        "category" if len(spellings) > 1 else "constant",
        missing,
        distinct,
        categories=tuple(name for name in names if name in spellings.values()),
        normalize=normalize,
        auc=_auc_alone(codes.cast(pa.float64()).to_numpy(zero_copy_only=False), outcome),
    )


def _codes(numbers: NDArray[np.float64]) -> tuple[float, ...]:
    """Numbers far from all others that usually stand for a state: -99, 999 and the like."""
    found, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    rows = dict(zip(found.tolist(), counts.tolist(), strict=True))
    suspected = [code for code in CODES if rows.get(code, 0) >= MIN_CODE_ROWS]
    amounts = [value for value in rows if value not in suspected]
    if len(amounts) < 2:
        return ()
    low, high = min(amounts), max(amounts)
    is_far = {code: low >= 0 if code < 0 else code > 2 * max(high, 1) for code in suspected}
    return tuple(float(code) for code in suspected if is_far[code])


def _auc_alone(values: NDArray[np.float64], outcome: Outcome) -> float:
    """AUC of a column alone, its bins ranked by their bad rates in other rows."""
    known = outcome.known
    return float(cross_fitted_auc(_bins(values[known]), outcome.y[known]))


def _bins(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """A number for each row: of its value where there are few, else of its quantile."""
    present = values[~np.isnan(values)]
    edges = np.unique(present)
    if len(edges) > MAX_CATEGORIES:
        edges = np.unique(np.quantile(present, np.linspace(0, 1, 2 * BINS + 1)[1:-1]))
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))


def _direction(amounts: NDArray[np.float64], outcome: Outcome) -> Monotone | None:
    """The direction in which the bad rate moves over all tenths of the amounts but one."""
    used = outcome.known & ~np.isnan(amounts)
    x, y = amounts[used], outcome.y[used]
    if not 0 < y.sum() < len(y):
        return None
    effect = auc(y, x) - 0.5
    rates = _rates(x, y)
    if abs(effect) < MIN_EFFECT or len(rates) < 2:
        return None
    against = (np.diff(rates) * np.sign(effect) < 0).sum()
    if against > 1:
        return None
    return "increasing" if effect > 0 else "decreasing"


def _rates(x: NDArray[np.float64], y: NDArray[np.int8]) -> Sequence[float]:
    """Bad rates of up to five bins of equally many rows, in the order of the amounts."""
    edges = np.unique(np.quantile(x, [0.2, 0.4, 0.6, 0.8]))
    bins = np.searchsorted(edges, x, side="right")
    return [float(y[bins == number].mean()) for number in np.unique(bins)]
