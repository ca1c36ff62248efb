"""When rows were decided, and which of them had their outcome observed too early to be known."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from scoreline.core.dates import microseconds, read_time
from scoreline.core.errors import DatasetError
from training.data.times import FIRST_YEAR, LAST_YEAR, read_times

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from scoreline.definition.gate_settings import GateSettings
    from scoreline.definition.splits import Split, TimeSplit
    from training.data.exclusions import Exclusions
    from training.data.times import Times

DAY_US = 86_400_000_000


def decision_times(split: TimeSplit, table: pa.Table, exclusions: Exclusions) -> Times:
    """The times to split by; rows without one are left out, and so are 0001-01-01 or 9999-12-31."""
    found = read_times(table, split.column, split.format)
    missing = ~np.isfinite(found.values)
    exclusions.exclude(missing, f"{split.column}: the time to split by is missing")
    if found.dated:
        first, end = (microseconds(datetime(year, 1, 1)) for year in (FIRST_YEAR, LAST_YEAR + 1))
        outside = (found.values < first) | (found.values >= end)
        rule = f"the date is not between {FIRST_YEAR} and {LAST_YEAR}"
        exclusions.exclude(outside, f"{split.column}: {rule}")
    return found


def observation_times(
    split: TimeSplit, decided: Times, table: pa.Table, exclusions: Exclusions
) -> NDArray[np.float64] | None:
    """When outcomes were observed, shape (n_rows,); rows observed too early are left out.

    A default in a shorter time is left out as well: the rows that remain of a month would hold all
    of its early defaults, but not the others that were still to come. A window counts from the end
    of the month or quarter where the dates say no day.
    """
    if split.outcome_window_days is None:
        return None
    if column := split.observed_column:
        observed = read_times(table, column)
        exclusions.exclude(np.isnan(observed.values), f"{column}: the time is missing")
        times, dated = observed.values, observed.dated
    else:
        times = np.full(len(decided.values), float(microseconds(read_time(split.observed_at))))
        dated = True
    if not (decided.dated and dated):
        raise DatasetError(f"{column or split.column}: an outcome window takes dates")
    window = split.outcome_window_days
    early = times < _ends(decided.values, exclusions.kept) + window * DAY_US
    exclusions.exclude(early, f"{split.column}: decided within {window} days of the observation")
    return times


def _ends(decided: NDArray[np.float64], kept: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The latest time that each date may stand for.

    Where all dates of kept rows are first days of months or quarters, they stand for the whole.
    """
    instants = np.nan_to_num(decided).astype("int64").astype("datetime64[us]")
    months = instants.astype("datetime64[M]")
    if (instants != months)[kept].any():
        return decided
    length = 1 if (months.astype(int) % 3)[kept].any() else 3
    return (months + np.timedelta64(length, "M")).astype("datetime64[us]").astype(float)


def late_rows(
    gates: GateSettings, split: Split, table: pa.Table, kept: NDArray[np.bool_]
) -> dict[str, int]:
    """Column of `known_times` -> number of kept rows where it lies after the decision."""
    if not gates.decision_time:
        return {}
    forms = {split.column: split.format}
    times = {name: read_times(table, name, forms.get(name, "")) for name in gates.times}
    decided = times[gates.decision_time]
    for name in gates.known_times:
        if times[name].dated != decided.dated:
            raise DatasetError(f"{name}: dates and numbers cannot be compared")
    return {
        name: int((times[name].values > decided.values)[kept].sum()) for name in gates.known_times
    }
