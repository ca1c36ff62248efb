"""Time in the Home Credit tables: days and months from the application, which is 0.

What was before the application is negative. A row is known when everything that it tells of
happened by then; planned dates, such as the end of a running credit, may lie ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, NumericValue

YEAR_DAYS = 365
YEAR_MONTHS = 12


def happened(time: NumericValue) -> BooleanValue:
    """Whether a day or month is no later than the application; true where none is given."""
    return time.isnull() | (time <= 0)
