"""Columns of times: what Arrow holds as a time, dates written as text or digits, and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoreline.arrow.columns import NULLS, coded, is_number, is_text
from scoreline.core.dates import FORMS, microseconds, read_time
from scoreline.core.errors import DatasetError
from training.data.columns import to_numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIRST_YEAR, LAST_YEAR = 1900, 2100  # in which a decision, or a day such as 20180501, may be


@dataclass(frozen=True, slots=True)
class Times:
    """Times of rows.

    Attributes
    ----------
    values : NaN where missing, shape (n_rows,)
    dated : whether the values are microseconds since 1970 in UTC, and not just numbers that rise
    """

    values: NDArray[np.float64]
    dated: bool


def read_times(table: pa.Table, column: str, form: str = "") -> Times:
    """The times of a column.

    Parameters
    ----------
    form : format of `datetime.strptime` of dates that are written as text

    Raises
    ------
    DatasetError
        The column orders nothing, or holds texts that are not dates in one of the known forms.
    """
    values = _decoded(table[column])
    kind = values.type
    if form and is_number(kind):
        values = values.cast(pa.string())
    if is_text(values.type):
        return Times(_of_texts(values, column, form), dated=True)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        unit = pa.timestamp("us", getattr(kind, "tz", None))
        return Times(_floats(values.cast(unit, safe=False).cast(pa.int64())), dated=True)
    if pa.types.is_duration(kind):
        return Times(_floats(values.cast(pa.int64())), dated=False)
    if not is_number(kind):
        raise DatasetError(f"{column}: wrong type: a date or a number expected, {kind} found")
    numbers = _floats(values)
    days = _days(numbers)
    return Times(numbers, dated=False) if days is None else Times(days, dated=True)


def _decoded(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values themselves in place of a dictionary or of views."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    return values.cast(pa.string()) if pa.types.is_string_view(values.type) else values


def _floats(values: pa.ChunkedArray) -> NDArray[np.float64]:
    return to_numpy(pc.fill_null(values.cast(pa.float64(), safe=False), float("nan")))


def _of_texts(values: pa.ChunkedArray, column: str, form: str) -> NDArray[np.float64]:
    zones = set()

    def code(text: str) -> float:
        if text.strip() in NULLS:
            return np.nan
        time = read_time(text.strip(), form)
        zones.add(time.tzinfo is None)
        return microseconds(time)

    try:
        found = coded(values, code)
    except (ValueError, OverflowError):
        known = f"the declared format, {form}" if form else f"these forms: {FORMS}"
        other = "" if form else "; others take a format, such as %d.%m.%Y"
        raise DatasetError(f"{column}: not all dates are in {known}{other}") from None
    if len(zones) > 1:
        raise DatasetError(f"{column}: some times have a zone and others have none")
    return found


def _days(numbers: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Microseconds of days written as 20180501; None where a number is no such day."""
    known = numbers[~np.isnan(numbers)]
    if not len(known) or not np.isfinite(known).all() or (known != np.floor(known)).any():
        return None
    years, months, days = known // 10_000, known // 100 % 100, known % 100
    if (years < FIRST_YEAR).any() or (years > LAST_YEAR).any() or (months > 12).any():
        return None
    first = (12 * (years - 1970) + months - 1).astype(int).astype("datetime64[M]")
    dates = first.astype("datetime64[D]") + (days - 1).astype(int)
    if (months < 1).any() or (dates.astype("datetime64[M]") != first).any():
        return None
    found = np.full(len(numbers), np.nan)
    found[~np.isnan(numbers)] = dates.astype("datetime64[us]").astype(float)
    return found
