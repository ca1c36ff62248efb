"""Dates and times as text, in the forms that can be read in one way only."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

FORMS = (
    "2018-05-01, 2018-05-01 13:45 with or without seconds and a zone, 20180501, 2018/5/1,"
    " 2018-05, May-2018, 2018Q2"
)
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH_NUMBERS = {name[:n]: m for m, name in enumerate(MONTHS, start=1) for n in (3, len(name))}
_DAY = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_MONTH = re.compile(r"(\d{4})[-/](\d{1,2})")
_NAMED_MONTH = re.compile(r"([A-Za-z]{3,9})[- ](\d{4})")
_QUARTER = re.compile(r"(\d{4})[- ]?Q([1-4])")
_EPOCH = date(1970, 1, 1).toordinal()


def read_time(text: str, form: str = "") -> datetime:
    """The time that a text says; of a month or a quarter, its first day.

    Parameters
    ----------
    form : format of `datetime.strptime` that the text has; by default one of FORMS

    Raises
    ------
    ValueError
        The text has another form.

    Examples
    --------
    >>> [f"{read_time(text):%Y-%m-%d}" for text in ("2018/5/1", "May-2018", "2018Q2", "20180501")]
    ['2018-05-01', '2018-05-01', '2018-04-01', '2018-05-01']
    """
    if form:
        return datetime.strptime(text, form)
    if found := _DAY.fullmatch(text) or _MONTH.fullmatch(text):
        return _first(*map(int, found.groups()))
    if (found := _NAMED_MONTH.fullmatch(text)) and found[1].lower() in _MONTH_NUMBERS:
        return _first(int(found[2]), _MONTH_NUMBERS[found[1].lower()])
    if found := _QUARTER.fullmatch(text):
        return _first(int(found[1]), 3 * int(found[2]) - 2)
    return datetime.fromisoformat(text)


def microseconds(time: datetime) -> int:
    """Microseconds since 1970; a time without a zone counts as UTC."""
    utc = time.astimezone(UTC) if time.tzinfo else time
    seconds = utc.hour * 3600 + utc.minute * 60 + utc.second
    return ((utc.toordinal() - _EPOCH) * 86_400 + seconds) * 1_000_000 + utc.microsecond


def _first(year: int, month: int, day: int = 1) -> datetime:
    return datetime(year, month, day)
