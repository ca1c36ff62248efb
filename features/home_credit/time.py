"""Time in the Home Credit tables: days and months relative to the application, which is 0.

The past is negative. A row is known if all its events happened before the application; planned
dates, such as the end of a running credit, may lie ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, NumericValue

YEAR_DAYS = 365
YEAR_MONTHS = 12


def happened(time: NumericValue) -> BooleanValue:
    """Whether a day or month is not later than the application; true for a missing one."""
    return time.isnull() | (time <= 0)
